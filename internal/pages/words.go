package pages

import (
	"fmt"

	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// words are the page's own sentences in one language; what a questionnaire says comes from its document.
type words struct {
	Lang, LangName string

	Progress, Required, Optional, OptionalTag  string
	Next, Submit, Back                         string
	Yes, No                                    string
	NPSLow, NPSHigh                            string
	TextHint, OtherAsk                         string
	PickSome, PickBetween, PickMost, PickLeast string
	PickAlone                                  string
	Personal, NeverAsk, Hotline                string

	Wrong                                                  string // before the title, for ears
	ErrorRequired, ErrorInvalid, ErrorTooLong, ErrorHidden string

	TitleThanks, Thanks                string
	TitleUsed, Used                    string
	TitleExpired, Expired              string
	TitleInvalid, Invalid              string
	TitleClosed, Closed                string
	TitleBusy, Busy                    string
	TitleMany, Many                    string
	TitleLarge, Large                  string
	TitleForbidden, Forbidden          string
	TitleRefuse, Refuse                string
	RefuseOne, RefuseAll, RefuseEffect string
	TitleRefused, RefusedOne           string
	RefusedAll, RefusedBack            string
	RefuseWrong, RefusedWrong          string
	Channels                           map[string]string
	Wishes                             wishWords
	Genuine                            genuineWords
}

var vocabulary = map[string]*words{document.ZhCN: &chinese, document.En: &english}

// languages lists what the pages can be read in.
var languages = []string{document.ZhCN, document.En}

// wordsFor gives the words in the language nearest to the wanted ones.
func wordsFor(want ...string) *words { return vocabulary[document.Choose(languages, want...)] }

// pickHint says how many choices a question takes.
func (w *words) pickHint(q *questionnaire.Question) string {
	switch {
	case q.MinPicks > 0 && q.MaxPicks > 0:
		return fmt.Sprintf(w.PickBetween, q.MinPicks, q.MaxPicks)
	case q.MaxPicks > 0:
		return fmt.Sprintf(w.PickMost, q.MaxPicks)
	case q.MinPicks > 1:
		return fmt.Sprintf(w.PickLeast, q.MinPicks)
	}
	return w.PickSome
}

// picks says what is wrong with so many choices.
func (w *words) picks(q *questionnaire.Question, n int) string {
	if q.MaxPicks > 0 && n > q.MaxPicks || n < q.MinPicks {
		return w.pickHint(q)
	}
	for _, o := range q.Options {
		if o.None && n > 1 {
			return fmt.Sprintf(w.PickAlone, o.Text.In(w.Lang))
		}
	}
	return w.ErrorInvalid
}

var chinese = words{
	Lang: document.ZhCN, LangName: "中文",
	Progress: "第 %d 题,最多 %d 题", Required: "必答", Optional: "选填", OptionalTag: "是什么原因?可多选,也可以不选",
	Next: "下一题", Submit: "提交", Back: "返回上一题",
	Yes: "是", No: "否",
	NPSLow: "完全不会", NPSHigh: "一定会",
	TextHint: "最多 %d 个字。请不要填写密码、验证码、证件号或银行卡号。",
	OtherAsk: "其他,请说明(选填)", PickSome: "可多选", PickBetween: "请选择 %d 到 %d 项", PickMost: "最多选 %d 项", PickLeast: "至少选 %d 项",
	PickAlone: "选了“%s”,就不能再选别的。请去掉其中一边。",
	Personal:  "此链接仅供您本人使用,请不要转发。", NeverAsk: "我们不会向您索要验证码和密码。", Hotline: "客服电话:",
	Wrong:         "需要更正:",
	ErrorRequired: "请先回答这一题,再继续。", ErrorInvalid: "请从给出的选项中选择。", ErrorTooLong: "内容太长了,请缩短到 %d 个字以内。",
	ErrorHidden: "根据您前面的回答,这一题不用再答了,请继续。",
	TitleThanks: "感谢您的反馈", Thanks: "您的回答已经收到。",
	TitleUsed: "您已经提交过了", Used: "这份问卷我们已经收到,不需要再填写。谢谢您!",
	TitleExpired: "链接已过期", Expired: "这份问卷的填写时间已经结束。如果您还有话想对我们说,请联系客服。",
	TitleInvalid: "链接打不开", Invalid: "这个链接无效或已经失效。请从收到的消息里重新点开;如果是复制的,请检查是否完整。",
	TitleClosed: "问卷已结束", Closed: "这份问卷已经收集完毕,不再接收新的回答。谢谢您的关注!",
	TitleMany: "请稍后再试", Many: "您所在的网络刚刚提交了很多份问卷,这一份还没有保存。请过十分钟再试。",
	TitleLarge: "内容太长了", Large: "您提交的内容太长,没有保存。请返回上一页,缩短后再提交。",
	TitleBusy: "请稍后再试", Busy: "系统暂时繁忙,这一步还没有保存。请返回上一页,过一会儿再提交。",
	TitleForbidden: "请在原页面提交", Forbidden: "这次提交来自别的网站,没有保存。请从收到的消息里打开链接再填写。",
	TitleRefuse: "不想再收到%s?", Refuse: "点击下面的按钮后,我们不会再通过%s联系您,包括交易进展和资金提醒。",
	RefuseOne: "不再通过%s联系我", RefuseAll: "所有方式都不要联系我", RefuseEffect: "点击后立即生效。",
	TitleRefused: "已为您停止", RefusedOne: "从现在起,我们不会再通过%s联系您。", RefusedAll: "从现在起,我们不会再主动联系您。",
	RefusedBack: "如果改变主意,可以随时告诉客服恢复。",
	RefuseWrong: "我不是你们要找的人", RefusedWrong: "谢谢告知。从现在起,我们不会再往这里发消息或打电话。",
	Wishes: wishesChinese, Genuine: genuineChinese,
	Channels: map[string]string{"email": "邮件", "sms": "短信", "phone": "电话", "inapp": "应用内消息", "push": "推送通知", "im": "聊天消息", "webhook": "消息"},
}

var english = words{
	Lang: document.En, LangName: "English",
	Progress: "Question %d of at most %d", Required: "required", Optional: "optional", OptionalTag: "What was the reason? Tap any that apply, or none",
	Next: "Next", Submit: "Send", Back: "Previous question",
	Yes: "Yes", No: "No",
	NPSLow: "Not at all likely", NPSHigh: "Extremely likely",
	TextHint: "At most %d characters. Please leave out passwords, codes, ID and card numbers.",
	OtherAsk: "Something else: what? (optional)", PickSome: "Choose any that apply", PickBetween: "Choose between %d and %d", PickMost: "Choose at most %d", PickLeast: "Choose at least %d",
	PickAlone: "“%s” can't go together with other choices. Please untick one or the other.",
	Personal:  "This link is for you alone; please don't pass it on.", NeverAsk: "We never ask for codes or passwords.", Hotline: "Customer service: ",
	Wrong:         "To correct: ",
	ErrorRequired: "Please answer this question before going on.", ErrorInvalid: "Please choose from what is offered.", ErrorTooLong: "That is too long; please keep it within %d characters.",
	ErrorHidden: "After your other answers this question isn't needed any more; please go on.",
	TitleThanks: "Thank you", Thanks: "We have your answers.",
	TitleUsed: "You have already answered", Used: "We have your answers to this questionnaire; there is nothing left to fill in. Thank you!",
	TitleExpired: "This link has expired", Expired: "The time for answering is over. If there is something you would still like to tell us, please contact customer service.",
	TitleInvalid: "This link doesn't open", Invalid: "The link is not valid, or no longer is. Please open it from the message you received; if you copied it, check that it is complete.",
	TitleClosed: "This questionnaire is closed", Closed: "We have all the answers we were looking for and take no new ones. Thank you for coming!",
	TitleMany: "Please try again shortly", Many: "A lot of answers have just come from your network, and this one was not saved. Please try again in ten minutes.",
	TitleLarge: "That is too long", Large: "What you sent is too long and was not saved. Please go back, shorten it and send it again.",
	TitleBusy: "Please try again shortly", Busy: "We are busy just now and this step was not saved. Please go back and send it again in a moment.",
	TitleForbidden: "Please answer on the page itself", Forbidden: "This came from another website and was not saved. Please open the link in the message you received.",
	TitleRefuse: "No more contact by %s?", Refuse: "Once you press the button we will not contact you by %s again, not even about payments under way or money on its way back.",
	RefuseOne: "Stop contacting me by %s", RefuseAll: "Stop contacting me in any way", RefuseEffect: "This takes effect at once.",
	TitleRefused: "Done", RefusedOne: "From now on we will not contact you by %s.", RefusedAll: "From now on we will not contact you on our own accord.",
	RefusedBack: "If you change your mind, tell customer service at any time.",
	RefuseWrong: "I am not the person you are looking for", RefusedWrong: "Thank you for telling us. From now on nothing from us will be sent here.",
	Wishes: wishesEnglish, Genuine: genuineEnglish,
	Channels: map[string]string{"email": "e-mail", "sms": "text message", "phone": "phone", "inapp": "in-app message", "push": "push notification", "im": "chat message", "webhook": "message"},
}
