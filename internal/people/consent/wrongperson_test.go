package consent

import (
	"strings"
	"testing"
)

func TestSomebodyElseIsUnderstood(t *testing.T) {
	for _, text := range []string{
		"你打错了", "发错人了", "打错电话了", "号码不是本人的", "不是本人", "我不是机主", "我不是王先生", "不认识这个人", "找错人了吧", "這個號碼換人了", "查无此人", "这个号码现在是我在用",
		"你打错了,我不是王先生", "不好意思,你们发错人了,谢谢", "您好,打错号码了", "这不是我的号码", "你发错了,别再发了", "我不是你要找的人", "短信发错人了",
		"wrong number", "Wrong person!", "You have the wrong number", "I'm not the person you are looking for", "I don't know this person", "never heard of him", "This number belongs to someone else",
		"Sorry, wrong number.", "Not my number", "this isn't my number", "You've got the wrong person", "Wrong number, please stop texting me", "I am not Mr Wang. Wrong number!", "This number has changed owners",
	} {
		if !WrongPerson(text) {
			t.Errorf("%q was not understood", text)
		}
	}
}

func TestTheCustomersOwnTroublesAreNotSomebodyElses(t *testing.T) {
	for _, text := range []string{
		"", "转错人了怎么办", "密码输错了", "金额打错了一个零,怎么退", "退订", "我不是很满意", "不是我付的款", "换了手机号怎么改", "短信验证码不是本人操作", "好的", "你好", "谢谢",
		"wrong amount", "the wrong item was delivered", "I'm not happy", "I sent money to the wrong account", "stop", "it was not me who paid",

		"钱打错人了,怎么办", "红包发错人了能退吗", "转账转错人了", "我打错人了", "我红包发错人了", "汇款打错账户了", "付款付错了", "钱转错号码了", "充值充错号码了,退钱", "打错了一个字",
		"打款打错人了 客服不管", "我把钱发错人了", "发错了", "打错了", "我换号了", "收款人我不认识这个人,钱还能追回吗", "这笔转账不是本人操作", "话费充值,手机号发错人了退不了", "找错钱了", "是不是打错人了?",
		"我发错人了,他不退钱", "你们客服打错电话了,害我等了一天,1分", "商家发错货了",

		"I sent money to the wrong person", "paid the wrong number by mistake, 1 star", "Transferred to wrong number", "I paid the wrong person", "money went to the wrong recipient", "sent it to the wrong guy",
		"topped up the wrong number, no refund", "Wrong number was credited", "I typed the wrong number", "the app shows the wrong person", "wrong email on my receipt", "wrong number?", "not my number one choice",
		"I don't know this person who sent me money", "this is not my wallet balance", "I'm not the owner of the shop I paid", "2, wrong person got it", "I entered a wrong phone number and lost 500",
		"wrong number" + strings.Repeat(" sorry", 30),
	} {
		if WrongPerson(text) {
			t.Errorf("%q was taken for a wrong number", text)
		}
	}
}

func FuzzWrongPerson(f *testing.F) {
	f.Add("你打错了")
	f.Add("wrong number")
	f.Fuzz(func(_ *testing.T, text string) { _ = WrongPerson(text) }) // it must end and not panic
}
