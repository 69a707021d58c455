package codes

// Why a contact was deferred or denied.
const (
	ConsentMissing            Reason = "consent-missing"
	Refused                   Reason = "refused"
	RefusedChannel            Reason = "refused-channel"
	RefusedPurpose            Reason = "refused-purpose"
	LawWindow                 Reason = "law-window"
	HouseWindow               Reason = "house-window"
	PreferredWindow           Reason = "preferred-window"
	OwnHours                  Reason = "own-hours"
	CapReached                Reason = "cap-reached"
	CapClosedUntilDeadline    Reason = "cap-closed-until-deadline"
	WindowClosedUntilDeadline Reason = "window-closed-until-deadline"
	Gap                       Reason = "gap"
	DeadlinePassed            Reason = "deadline-passed"
	NoContactPoint            Reason = "no-contact-point"
	CustomerUnknown           Reason = "customer-unknown"
	ChannelNotConnected       Reason = "channel-not-connected"
	ChannelPaused             Reason = "channel-paused"
	ProgramPaused             Reason = "program-paused"
	ProgramStopped            Reason = "program-stopped"
	ConditionFalse            Reason = "condition-false"
	PurposeFulfilled          Reason = "purpose-fulfilled"
	NoRulePack                Reason = "no-rule-pack"
	Allowed                   Reason = "allowed"
	TriesUsed                 Reason = "tries-used"
	ConsentWithdrawn          Reason = "consent-withdrawn"
	GapUntilDeadline          Reason = "gap-until-deadline"
	OwnHoursUntilDeadline     Reason = "own-hours-until-deadline"
	CapForbids                Reason = "cap-forbids"
	WindowNeverOpens          Reason = "window-never-opens"
	PlaceUnknown              Reason = "place-unknown"
	ProgramBroken             Reason = "program-broken"
	TemplateNotApproved       Reason = "template-not-approved"
	QuotaReached              Reason = "quota-reached"
)

var withheld = []Entry{
	{"consent-missing", Withheld, "客户没有同意过此类联系", "The customer has not agreed to this kind of contact"},
	{"refused", Withheld, "客户已拒绝一切联系", "The customer has refused all contact"},
	{"refused-channel", Withheld, "客户已拒绝通过这个渠道联系", "The customer has refused contact on this channel"},
	{"refused-purpose", Withheld, "客户已拒绝这类目的的联系", "The customer has refused contact for this purpose"},
	{"law-window", Withheld, "当前不在法规允许的可触达时段", "The law does not allow contact at this hour"},
	{"house-window", Withheld, "当前不在本机构规定的可触达时段", "Our own rules do not allow contact at this hour"},
	{"preferred-window", Withheld, "等待计划偏好的可触达时段", "Waiting for the hours this program prefers"},
	{"own-hours", Withheld, "当前不在客户自己选定的可触达时段", "The customer has asked for other hours"},
	{"cap-reached", Withheld, "已达到频控上限,等待余量恢复", "The cap is reached; waiting until there is allowance again"},
	{"cap-closed-until-deadline", Withheld, "已达到频控上限,且截止前不会恢复余量", "The cap is reached and will not open before the deadline"},
	{"window-closed-until-deadline", Withheld, "截止前再没有可触达时段", "No allowed hours are left before the deadline"},
	{"gap", Withheld, "距上一次触达的间隔还不够", "Too soon after the last attempt"},
	{"deadline-passed", Withheld, "已过截止时间", "The deadline has passed"},
	{"no-contact-point", Withheld, "没有该渠道可用的联系方式", "There is no contact point for this channel"},
	{"customer-unknown", Withheld, "客户资料尚未到达", "We do not know this customer yet"},
	{"channel-not-connected", Withheld, "该渠道尚未接入", "This channel is not connected"},
	{"channel-paused", Withheld, "该渠道已暂停", "This channel is paused"},
	{"program-paused", Withheld, "回访计划已暂停", "The program is paused"},
	{"program-stopped", Withheld, "回访计划已停止", "The program has been stopped"},
	{"condition-false", Withheld, "不满足这一步的条件", "The condition of this step does not hold"},
	{"purpose-fulfilled", Withheld, "这一步的目的已经达到", "The purpose of this step is already fulfilled"},
	{"no-rule-pack", Withheld, "没有该国家或地区的合规规则库,按最严格的默认规则处理", "No rule pack covers this country, so the strict default holds"},
	{"allowed", Withheld, "放行", "Contact is allowed"},
	{"tries-used", Withheld, "这一步的尝试次数已用完", "All tries of this step are used"},
	{"consent-withdrawn", Withheld, "客户已撤回对此类联系的同意", "The customer has withdrawn consent to this kind of contact"},
	{"gap-until-deadline", Withheld, "要等够间隔就会超过截止时间", "The wait after the last attempt would outlast the deadline"},
	{"own-hours-until-deadline", Withheld, "截止前不再有客户自己选定的时段", "None of the hours the customer asked for are left before the deadline"},
	{"cap-forbids", Withheld, "频控规则不允许此类触达", "The cap policy allows no contact of this kind"},
	{"window-never-opens", Withheld, "各项规则没有共同的可触达时段", "No hour satisfies all the rules at once"},
	{"place-unknown", Withheld, "不知道客户所在地区,无法判断当地时间", "We do not know where the customer is, so we cannot tell the hour there"},
	{"program-broken", Withheld, "回访计划的这个版本已无法运行,等待修复", "This version of the program can no longer run; it waits to be mended"},
	{"template-not-approved", Withheld, "短信服务商尚未审核通过这个模板,不发送", "The provider has not approved this template, so it is not sent"},
	{"quota-reached", Withheld, "答卷数已收够,不再发出问卷", "Enough answers have come in; nobody else is asked"},
}

// Why a trigger did or didn't become a follow-up of its own.
const (
	Started            Reason = "started"
	Merged             Reason = "merged"
	NotSampled         Reason = "not-sampled"
	NotInSegment       Reason = "not-in-segment"
	SettledBeforeStart Reason = "settled-before-start"
	LateTrigger        Reason = "late-trigger"
	TriggerFalse       Reason = "trigger-false"
	TriggerFailed      Reason = "trigger-failed"
)

var selected = []Entry{
	{"started", Selected, "已生成回访单", "A follow-up was started"},
	{"merged", Selected, "已并入一张未完结的回访单", "Merged into a follow-up that was already open"},
	{"not-sampled", Selected, "未被抽样选中", "Not drawn into the sample"},
	{"not-in-segment", Selected, "客户不在目标人群内", "The customer is not in the program's segment"},
	{"settled-before-start", Selected, "开始之前事情已经解决", "The matter was settled before the follow-up could start"},
	{"late-trigger", Selected, "事件到得太晚,已过截止时间", "The event arrived after the deadline it sets"},
	{"trigger-false", Selected, "事件不满足触发条件", "The event does not meet the program's condition"},
	{"trigger-failed", Selected, "触发条件对这条事件无法求值", "The program's condition could not be worked out for this event"},
}

// How a follow-up ended. The first ones are also the names of final states.
const (
	Answered         Reason = "answered"
	Told             Reason = "told"
	Unanswered       Reason = "unanswered"
	Unreachable      Reason = "unreachable"
	Declined         Reason = "declined"
	Expired          Reason = "expired"
	HeldOut          Reason = "held-out"
	Cancelled        Reason = "cancelled"
	Suppressed       Reason = "suppressed"
	CancelledByEvent Reason = "cancelled-by-event"
	EndedByPerson    Reason = "ended-by-person"
	AssertionStopped Reason = "assertion-stopped"
	CustomerErased   Reason = "customer-erased"
	StepsExhausted   Reason = "steps-exhausted"
)

var endings = []Entry{
	{"answered", Ending, "客户已作答", "The customer answered"},
	{"told", Ending, "已告知客户,无需作答", "The customer was told; no answer was asked for"},
	{"unanswered", Ending, "已联系到,但客户没有作答", "Reached, but the customer did not answer"},
	{"unreachable", Ending, "各步骤都没能联系到客户", "No step reached the customer"},
	{"declined", Ending, "客户表示不愿参与", "The customer declined to take part"},
	{"expired", Ending, "截止前没有完成", "The deadline passed before it was done"},
	{"held-out", Ending, "属于对照组,只发送必达通知", "Held out for comparison; only notices are sent"},
	{"cancelled", Ending, "已取消", "Cancelled"},
	{"suppressed", Ending, "按触达规则拦截,未触达", "Withheld by the contact policy"},
	{"cancelled-by-event", Ending, "后来的事件表明不再需要回访", "A later event made it unnecessary"},
	{"ended-by-person", Ending, "由员工结束", "Ended by a member of staff"},
	{"assertion-stopped", Ending, "内部检查发现不一致,已停下待人工确认", "An internal check failed, so this follow-up was stopped for a person to look at"},
	{"customer-erased", Ending, "客户资料已按要求删除", "The customer's data was erased on request"},
	{"steps-exhausted", Ending, "所有步骤都已走完", "Every step has been tried or passed over"},
}

// How an attempt came out.
const (
	Accepted            Reason = "accepted"
	Delivered           Reason = "delivered"
	Seen                Reason = "seen"
	Undelivered         Reason = "undelivered"
	ProviderRejected    Reason = "provider-rejected"
	MailboxUnknown      Reason = "mailbox-unknown"
	ProviderBusy        Reason = "provider-busy"
	ProviderUnreachable Reason = "provider-unreachable"
	OutcomeUnknown      Reason = "outcome-unknown"
	LostLease           Reason = "lost-lease"
	LastLookRefused     Reason = "last-look-refused"
	RenderFailed        Reason = "render-failed"
	MailboxFull         Reason = "mailbox-full"
	SenderRejected      Reason = "sender-rejected"
	ContentRejected     Reason = "content-rejected"
	LookUpNotFound      Reason = "look-up-not-found"
	SetAside            Reason = "set-aside"
	AddressInvalid      Reason = "address-invalid"
	MessageTooLarge     Reason = "message-too-large"
	LoginRefused        Reason = "login-refused"
	CutShort            Reason = "cut-short"
	MarkedAsSpam        Reason = "marked-as-spam"
	EndpointGone        Reason = "endpoint-gone"
	EndpointDisabled    Reason = "endpoint-disabled"
)

var results = []Entry{
	{"accepted", Result, "服务商已受理", "Accepted by the provider"},
	{"delivered", Result, "已送达", "Delivered"},
	{"seen", Result, "客户已查看", "Seen by the customer"},
	{"undelivered", Result, "服务商回执:未送达", "The provider reports that it was not delivered"},
	{"provider-rejected", Result, "服务商拒收", "Rejected by the provider"},
	{"mailbox-unknown", Result, "收件地址不存在", "There is no such mailbox"},
	{"provider-busy", Result, "服务商繁忙,稍后再试", "The provider is busy; it will be tried again"},
	{"provider-unreachable", Result, "连接不上服务商,消息未发出", "The provider could not be reached; nothing was sent"},
	{"outcome-unknown", Result, "无法确认对方是否收到", "Nobody can tell whether it was received"},
	{"lost-lease", Result, "处理权已转给其他节点,本次未发出", "Another node took this work over; nothing was sent from here"},
	{"last-look-refused", Result, "发出前的最后核对未通过", "The last check before sending said no"},
	{"render-failed", Result, "模板无法为该客户生成内容", "The template could not be filled in for this customer"},
	{"mailbox-full", Result, "收件箱已满", "The mailbox is full"},
	{"sender-rejected", Result, "发件方未被服务商接受", "The provider does not accept us as the sender"},
	{"content-rejected", Result, "内容被服务商拦截", "The provider rejected the content"},
	{"look-up-not-found", Result, "服务商查不到这次发送", "The provider has no record of this attempt"},
	{"set-aside", Result, "结果无法确认,待人工处理", "Set aside: only a person can settle what happened"},
	{"address-invalid", Result, "收件地址格式不对,无法发送", "The address is not one this channel can send to"},
	{"message-too-large", Result, "内容超出服务商允许的大小", "The message is larger than the provider takes"},
	{"login-refused", Result, "服务商不认可我们的账号或密钥,消息未发出", "The provider does not accept our credentials; nothing was sent"},
	{"cut-short", Result, "发出前被中止,消息未发出", "Stopped before anything was sent"},
	{"marked-as-spam", Result, "客户把这封邮件标为垃圾邮件", "The customer marked the message as spam"},
	{"endpoint-gone", Result, "接收地址答复已停用(410),不再推送", "The endpoint answered that it is gone (410); it is told no more"},
	{"endpoint-disabled", Result, "接收地址已由员工停用", "The endpoint was disabled by a person"},
}

// Why an answer may not have been meant. It is kept and shown all the same, and counted apart.
const (
	TooFast        Reason = "too-fast"
	StraightLining Reason = "straight-lining"
	Contradiction  Reason = "contradiction"
	Gibberish      Reason = "gibberish"
)

var doubts = []Entry{
	{"too-fast", Doubt, "作答速度快于阅读题目所需的时间", "Answered in less time than it takes to read the questions"},
	{"straight-lining", Doubt, "所有打分题都选了同一个分数,且没有任何说明", "Every question on a scale got the same number, without a word or a reason"},
	{"contradiction", Doubt, "给了最高分,却勾选了不满意的原因", "The best score came with a reason for complaint"},
	{"gibberish", Doubt, "文字像是随手乱敲的", "The text looks typed at random"},
}
