package consent

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// refusing are words people use to refuse, each of which must be understood.
var refusing = []string{
	// what messages tell them to send
	"TD", "td", "T", "t", "R", "r", "退订", "拒收", "回T", "回复TD", "TD。", " td ", "TD", "Ｔ", "Ｒ", "TD TD", "TDTD退订", "0000", "00000", "QX",
	"STOP", "stop", "Stop.", "STOP!!!", "STOPALL", "stop all", "END", "quit", "Cancel", "UNSUBSCRIBE", "unsub", "opt out", "OPT-OUT", "optout", "revoke",
	// what they make of it
	"退 订", "退-订", "退。订。", "退訂", "退定", "推订", "tuiding", "我要退订", "请退订", "退订谢谢", "麻烦退订一下短信", "S T O P", "s.t.o.p", "STOOOOP", "stop stop stop",
	"please stop", "Stop please, thanks", "unsubscibe", "Unsubscribe me now", "T谢谢", "TD了", "TD吧", "停", "取消", "取消订阅", "拒绝",
	// sentences
	"别再发了", "别打了", "不要再打了", "不要再给我打电话了", "别给我打电话", "不要再发短信给我", "别再给我发短信了", "别再联系我", "不要联系我", "以后不要再联系我了", "请不要再打扰我",
	"请勿打扰", "勿扰", "别烦我", "別煩我", "不要騷擾我", "别骚扰我了", "停止发送", "停止给我发短信", "我不想再收到你们的短信", "不想收到任何广告", "拒绝回访", "不接受回访", "不需要回访",
	"不要回访了", "不参加调查", "不做问卷", "请把我从名单里删除", "烦死了,别发了", "再打我就投诉,别打了", "我已经回了TD,怎么还发?退订!", "别来电话", "请勿再致电", "不要打我电话", "别打我手机",
	"不准再打电话来", "你们别老打电话", "免打扰", "我說了不要再打電話", "不要發簡訊給我",
	"stop texting me", "Stop calling me!", "please stop sending me these messages", "Don't call me again", "don’t text me", "do not contact me", "DO NOT CALL", "never call me again",
	"take me off your list", "remove me from this list", "Remove my number from your system", "no more texts", "No more surveys please", "leave me alone", "I want to opt out", "opt me out",
	"I revoke my consent", "I don't want any more emails", "how do I unsubscribe?", "lose my number", "I no longer wish to receive your messages", "quit calling me", "I do not want to be contacted",
	"good service but stop sending surveys", "服务很好,但请不要再打电话", "stop these calls", "Please stop.",
}

// speaking are words that refuse nothing, each of which must be let pass.
var speaking = []string{
	"", "   ", "。", "好", "好的", "可以", "满意", "不满意", "非常不满意", "5", "1", "10", "100", "是", "否", "不", "不是", "不需要", "不用了", "不要", "没有", "谢谢", "N", "no", "yes", "Y", "ok",
	"请不要再发生这种事", "希望别再发生了", "不要再发生类似问题", "别再发错了", "不要打折,要退款", "怎么还不给我打电话", "为什么不联系我", "为什么没有回访", "怎么一直不打电话", "请尽快联系我", "打电话给我吧", "给我发短信", "发个短信通知我",
	"我不想退订", "没有退订", "不用退订,谢谢", "我要退订酒店订单", "会员怎么退订", "退订会员自动续费", "流量包想退订", "快递拒收了,钱没退", "商家拒收退货", "拒收的包裹退款", "取消的订单钱没退", "订单取消了", "请取消订单 O-1",
	"停车费付不了", "停电了付款失败", "拒付", "银行拒绝了我的付款", "付款被拒绝", "退款太慢", "退钱", "退货", "提现不到账", "什么时候退", "转账停在处理中", "服务态度好", "一直打不通电话", "打了三次电话没人接", "不会操作",
	"the app stops working", "The app stopped", "it won't stop crashing", "stop payment on order 12", "please don't stop", "do not stop sending me receipts", "cancel my order", "I want to cancel the transfer",
	"the end of the month", "in the end it worked", "quit the app and it worked", "remove the card", "I quit smoking", "call me", "please call me back", "why don't you call me back", "nobody called me", "you never call me back",
	"they do not call back", "T-shirt", "R u ok", "great", "Terrible", "the refund took 3 days", "unsubstantiated claims", "I never unsubscribed", "did not opt out", "opt in", "Text me when done", "email me",
	"2026", "0.00", "1234", "td bank declined it", "end-to-end", "回复太慢", "回访很及时", "短信没收到", "没收到验证码短信", "电话打得很及时", "接到电话很安心", "问卷太长", "广告太多", "打扰了,请问退款到哪了",
}

func TestWordsThatRefuseAreUnderstood(t *testing.T) {
	for _, text := range refusing {
		if !Refuses(text) {
			t.Errorf("%q was not taken for a refusal", text)
		}
	}
}

func TestWordsThatRefuseNothingPass(t *testing.T) {
	for _, text := range speaking {
		if Refuses(text) {
			t.Errorf("%q was taken for a refusal", text)
		}
	}
}

func TestARefusalAtTheEndOfALongTextIsFound(t *testing.T) {
	if !Refuses(strings.Repeat("等了很久。", 3_000) + "别再打电话了") {
		t.Error("it was cut off")
	}
}

func FuzzRefuses(f *testing.F) {
	for _, s := range refusing {
		f.Add(s)
	}
	for _, s := range speaking {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Refuses(text)
		if utf8.ValidString(text) && len(text) < 1_000 && Refuses(" "+text+" ") != got {
			t.Fatalf("%q: spaces around it change the answer", text)
		}
	})
}

func BenchmarkRefuses(b *testing.B) {
	text := "退款等了三天,客服态度很好,但是电话一直打不通,希望改进。"
	for b.Loop() {
		if Refuses(text) {
			b.Fatal("refused")
		}
	}
}
