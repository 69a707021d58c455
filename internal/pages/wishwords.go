package pages

// wishWords are the sentences of the page of preferences.
type wishWords struct {
	Expired, Erased            string
	Title, Intro, Saved        string
	NotTheirs                  string // the link went to an address the customer doesn't have
	Hours, AnyHour, OwnHours   string
	HoursNote, From, To, Never string
	Days                       [2]string
	Language, Save, StopAll    string
	ErrorHours, ErrorNoHours   string
}

// genuineWords are the sentences of the page for whoever doubts a message.
type genuineWords struct {
	Title, How, Never          string
	Report, Text, Sender, Send string
	ErrorEmpty, ErrorLong      string
	TitleThanks, Thanks        string
}

var wishesChinese = wishWords{
	Erased:  "这个链接对应的资料已按要求删除,不能再从这里选择联系方式。您要求停止的联系已经停止。其他更改请从最近收到的消息里打开,或联系客服。",
	Expired: "这个链接已经过期。请从最近收到的消息里打开,或联系客服更改。", Title: "我的联系偏好", Intro: "选中的方式,我们才会用来联系您。改动保存后立即生效。", Saved: "已保存,现在起按您的选择联系您。",
	NotTheirs: "这条消息发往的号码或邮箱,目前不是账户里有效的联系方式,所以这里不能更改偏好。如果您是账户本人,请打开最近收到的消息里的链接,或联系客服。如果不想再收到我们的消息,请点下面的按钮,马上生效。",
	Hours:     "什么时间可以联系您?", AnyHour: "合适的时间都可以", OwnHours: "只在下面的时间",
	HoursNote: "按您所在地的时间。App 内消息不受此限。法律不允许打扰的时间,我们不会联系您。", From: "从", To: "到", Never: "不联系",
	Days: [2]string{"工作日", "休息日和节假日"}, Language: "用哪种语言联系您?", Save: "保存", StopAll: "全部关闭,不要再联系我",
	ErrorHours: "结束时间要晚于开始时间,请重新选择。", ErrorNoHours: "请至少选一段时间;如果完全不想被联系,请用最下面的按钮。",
}

var wishesEnglish = wishWords{
	Erased:  "The record behind this link was deleted on request, so nothing can be chosen here any more. What you asked us to stop has been stopped. For anything else please open the link in the last message you had from us, or ask customer service.",
	Expired: "This link has expired. Please open the one in the last message you had from us, or ask customer service.", Title: "How we may reach you", Intro: "We only use the ways you have ticked. Changes take effect as soon as you save them.", Saved: "Saved. From now on we keep to your choice.",
	NotTheirs: "The number or address this message went to is not one we have for the account at present, so preferences can't be changed here. If the account is yours, please open the link in the last message you had from us, or ask customer service. If you want to hear nothing more from us, press the button below; it takes effect at once.",
	Hours:     "When may we reach you?", AnyHour: "At any reasonable hour", OwnHours: "Only at these hours",
	HoursNote: "By the time where you are. Messages inside the app are not bound to it. When the law says people are to be left in peace, they are.", From: "from", To: "to", Never: "never",
	Days: [2]string{"Working days", "Weekends and holidays"}, Language: "In which language?", Save: "Save", StopAll: "Turn everything off",
	ErrorHours: "The hours must end later than they begin; please choose again.", ErrorNoHours: "Please choose some hours; if you want no contact at all, use the last button.",
}

var genuineChinese = genuineWords{
	Title:  "这条消息是我们发的吗?",
	How:    "我们发出的每条消息都带有 8 位编号。请打开 App,登录后输入编号核对:只有您本人能查到发给您的消息。这个页面不能代您查询。",
	Never:  "我们从不在消息或电话里索要密码、验证码或证件号,也不会让您转账到“安全账户”或共享屏幕。要求这样做的都是诈骗。",
	Report: "举报可疑消息", Text: "把消息内容复制到这里", Sender: "发送的号码或邮箱(选填)", Send: "提交举报",
	ErrorEmpty: "请先填写消息内容。", ErrorLong: "内容太长了,请只保留消息本身。",
	TitleThanks: "谢谢您的举报", Thanks: "我们会核查,不会就此联系您。如果您已经转账或透露了信息,请马上联系客服并报警。",
}

var genuineEnglish = genuineWords{
	Title:  "Did we really send you this?",
	How:    "Every message of ours has a reference of 8 characters. Open the app, sign in and enter it there: only you can look up what was sent to you. This page can't look it up for you.",
	Never:  "We never ask for passwords, codes or ID numbers in messages or calls, and never for transfers to a “safe account” or for sharing your screen. Whoever does is a fraud.",
	Report: "Report a suspicious message", Text: "Copy the message here", Sender: "Number or address it came from (if you like)", Send: "Send the report",
	ErrorEmpty: "Please fill in the message first.", ErrorLong: "That is too long; please keep to the message itself.",
	TitleThanks: "Thank you for reporting it", Thanks: "We will look into it and won't contact you about it. If you have already sent money or given something away, call customer service and the police at once.",
}
