package codes

// What was wrong with a request or its data.
const (
	MalformedJSON       = "malformed-json"
	BodyTooLarge        = "body-too-large"
	BatchTooLarge       = "batch-too-large"
	EventTooLarge       = "event-too-large"
	ContentTypeUnknown  = "content-type-unknown"
	FieldMissing        = "field-missing"
	FieldUnknown        = "field-unknown"
	FieldInvalid        = "field-invalid"
	EventTypeUnknown    = "event-type-unknown"
	EventDataInvalid    = "event-data-invalid"
	EventTimeOutOfRange = "event-time-out-of-range"
	SubjectMissing      = "subject-missing"
	SpecVersionUnknown  = "spec-version-unknown"
	NotFound            = "not-found"
	Conflict            = "conflict"
	Unauthorized        = "unauthorized"
	Forbidden           = "forbidden"
	KeyExpired          = "key-expired"
	LinkInvalid         = "link-invalid"
	LinkForeign         = "link-foreign"
	LinkExpired         = "link-expired"
	LinkUsed            = "link-used"
	AnswerInvalid       = "answer-invalid"
	AnswerIncomplete    = "answer-incomplete"
	QuestionnaireClosed = "questionnaire-closed"
	SignatureInvalid    = "signature-invalid"
	RowInvalid          = "row-invalid"
	EncodingUnknown     = "encoding-unknown"
	CursorInvalid       = "cursor-invalid"
	UsageInvalid        = "usage-invalid"
	MethodNotAllowed    = "method-not-allowed"
	CardUnknown         = "card-unknown"
	CustomerToken       = "customer-token-invalid"
)

var requestFaults = []Entry{
	{"malformed-json", Fault, "JSON 格式有误", "The JSON is malformed"},
	{"body-too-large", Fault, "请求内容过大", "The request is too large"},
	{"batch-too-large", Fault, "一批的条数过多", "The batch holds too many items"},
	{"event-too-large", Fault, "单个事件过大", "The event is too large"},
	{"content-type-unknown", Fault, "不支持的内容类型", "This content type is not supported"},
	{"field-missing", Fault, "缺少必填字段", "A required field is missing"},
	{"field-unknown", Fault, "有不认识的字段", "There is a field we do not know"},
	{"field-invalid", Fault, "字段的值不正确", "The value of a field is not right"},
	{"event-type-unknown", Fault, "事件目录中没有这种事件", "The event catalogue has no such type"},
	{"event-data-invalid", Fault, "事件数据不符合事件目录的定义", "The event's data does not match the catalogue"},
	{"event-time-out-of-range", Fault, "事件时间超出允许范围", "The event's time is out of range"},
	{"subject-missing", Fault, "事件没有写明客户", "The event does not say which customer it is about"},
	{"spec-version-unknown", Fault, "只支持 CloudEvents 1.0", "Only CloudEvents 1.0 is understood"},
	{"not-found", Fault, "没有找到", "Not found"},
	{"conflict", Fault, "与现有内容冲突", "This conflicts with what is already there"},
	{"unauthorized", Fault, "请先登录或提供有效的密钥", "Sign in, or send a valid key"},
	{"forbidden", Fault, "没有这项操作的权限", "You are not allowed to do this"},
	{"key-expired", Fault, "密钥已失效", "The key has expired or was withdrawn"},
	{"link-invalid", Fault, "链接无效", "This link is not valid"},
	{"link-foreign", Fault, "链接指向钱包以外的网站", "A link leads away from the wallet's own domains"},
	{"link-expired", Fault, "链接已过期", "This link has expired"},
	{"link-used", Fault, "这份问卷已经提交过了", "This questionnaire has already been answered"},
	{"answer-invalid", Fault, "答案不在可选范围内", "The answer is not one of those offered"},
	{"questionnaire-closed", Fault, "这份问卷已经收集完毕", "This questionnaire is closed"},
	{"answer-incomplete", Fault, "还有题目需要回答", "A question still needs an answer"},
	{"signature-invalid", Fault, "签名校验未通过", "The signature does not match"},
	{"row-invalid", Fault, "这一行无法读取", "This row could not be read"},
	{"encoding-unknown", Fault, "无法识别文件编码", "The file's encoding was not recognised"},
	{"cursor-invalid", Fault, "翻页位置无效,请从第一页重新开始", "The page position is not valid; start again from the first page"},
	{"usage-invalid", Fault, "命令用法不正确", "The command was not used correctly"},
	{"method-not-allowed", Fault, "该地址不支持这种请求方法", "This address does not take requests of this method"},
	{"card-unknown", Fault, "没有这张卡片", "There is no such card"},
	{"customer-token-invalid", Fault, "客户令牌无效或已过期", "The customer token is not valid, or no longer is"},
}

// What was wrong with a document: a program, a template, a rule pack ….
const (
	NameInvalid           = "name-invalid"
	DocumentTooLarge      = "document-too-large"
	SchemaInvalid         = "schema-invalid"
	DurationInvalid       = "duration-invalid"
	ReferenceUnknown      = "reference-unknown"
	ChannelUnknown        = "channel-unknown"
	LanguageMissing       = "language-missing"
	ProgramCannotRun      = "program-cannot-run"
	RulePackInvalid       = "rule-pack-invalid"
	QuestionnaireInvalid  = "questionnaire-invalid"
	PublishingNotPossible = "publishing-not-possible"
	GatewayInvalid        = "gateway-invalid"
)

var documentFaults = []Entry{
	{"document-syntax", Fault, "YAML 无法读取", "The YAML cannot be read"},
	{"document-shape", Fault, "文档的结构不对", "The document is not built as it should be"},
	{"document-name", Fault, "文档名称缺失、重复或写法不对", "The document's name is missing, written twice or not in kebab-case"},
	{"document-too-large", Fault, "文档过大", "The document is too large"},
	{"name-invalid", Fault, "名称的写法不对", "The name is not written as it should be"},
	{"schema-invalid", Fault, "事件的 JSON Schema 有误", "The event's JSON Schema is not right"},
	{"unknown-kind", Fault, "没有这种文档", "There is no such kind of document"},
	{"unknown-key", Fault, "有不认识的键", "There is a key we do not know"},
	{"wrong-type", Fault, "值的类型或写法不对", "A value is of the wrong type or wrongly written"},
	{"condition-syntax", Fault, "条件表达式无法读取", "The condition cannot be read"},
	{"condition-unknown-name", Fault, "条件里用了不存在的名称", "The condition uses a name that does not exist"},
	{"condition-types", Fault, "条件里比较的类型不一致", "The condition compares things of different types"},
	{"condition-too-long", Fault, "条件可能运行过久", "The condition could run too long"},
	{"condition-arguments", Fault, "条件里函数的参数不对", "A function in the condition is given the wrong words"},
	{"duration-invalid", Fault, "时长要写成 2s、10m、2h 或 3d", "Durations are written 2s, 10m, 2h or 3d"},
	{"reference-unknown", Fault, "引用的文档不存在", "A document that this one names does not exist"},
	{"channel-unknown", Fault, "没有这个渠道", "There is no such channel"},
	{"language-missing", Fault, "缺少一种语言的文本", "The text is missing in one of the languages"},
	{"program-cannot-run", Fault, "按截止时间、规则和频控,有步骤永远无法执行", "Under its deadline, rules and caps, a step could never be taken"},
	{"rule-pack-invalid", Fault, "合规规则库有误", "The rule pack is not right"},
	{"questionnaire-invalid", Fault, "问卷有误", "The questionnaire is not right"},
	{"publishing-not-possible", Fault, "现在还不能发布", "It cannot be published yet"},
	{"question-unknown", Fault, "问卷里没有这道题", "The questionnaire has no such question"},
	{"questionnaire-shape", Fault, "问卷的结构不对", "The questionnaire is not built as it should be"},
	{"template-syntax", Fault, "模板无法读取", "The template cannot be read"},
	{"template-shape", Fault, "模板的结构不对", "The template is not built as it should be"},
	{"template-types", Fault, "模板里值的类型不对", "A value in the template is of the wrong type"},
	{"template-unknown-variable", Fault, "模板里用了不存在的变量", "The template uses a variable that does not exist"},
	{"template-value-missing", Fault, "这位客户缺少模板需要的值", "A value the template needs is missing for this customer"},
	{"template-too-large", Fault, "模板可能运行过久或输出过长", "The template could run too long or write too much"},
	{"template-asks-for-secret", Fault, "模板向客户索要验证码或密码", "The template asks the customer for a code or password"},
	{"gateway-invalid", Fault, "短信网关文档或其设置有误", "The SMS gateway document or its settings are not right"},
	{"condition-failed", Fault, "条件对这位客户无法判断", "The condition could not be judged for this customer"},
}

// What was wrong with what somebody asked of a follow-up or an attempt.
var followUpFaults = []Entry{
	{"follow-up-unknown", Fault, "没有这张回访单", "There is no such follow-up"},
	{"follow-up-not-set-aside", Fault, "这张回访单不在待人工确认之列", "This follow-up is not set aside"},
	{"attempt-unknown", Fault, "没有这次触达尝试", "There is no such attempt"},
	{"verdict-unknown", Fault, "没有这种处理结论", "There is no such way to settle it"},
	{"attempt-key-unknown", Fault, "这不是我们交给服务商的标识", "This is not a key we gave to a provider"},
}

// What was wrong with the settings of a channel, or with what came back on it.
const (
	BounceNotOurs    = "bounce-not-ours"
	BounceUnreadable = "bounce-unreadable"
)

var channelFaults = []Entry{
	{"email-server", Fault, "邮件服务器地址应写成 主机:端口", "The mail server is written host:port"},
	{"email-from", Fault, "发件人地址不正确", "The sender's address is not right"},
	{"email-reply-to", Fault, "回复地址不正确", "The reply address is not right"},
	{"email-id-domain", Fault, "Message-ID 的域名不正确", "The domain for Message-ID is not right"},
	{"email-hello", Fault, "EHLO 用的主机名不正确", "The name for EHLO is not right"},
	{"email-encryption", Fault, "没有这种加密方式", "There is no such kind of encryption"},
	{"email-in-flight", Fault, "并发连接数超出范围", "The number of connections is out of range"},
	{"email-send-timeout", Fault, "发送超时超出范围", "The time-out for sending is out of range"},
	{"bounce-not-ours", Fault, "这封退信对应的不是我们发出的邮件", "This bounce does not answer a message of ours"},
	{"bounce-unreadable", Fault, "这不是可读取的退信或投诉邮件", "This is no report of delivery and no complaint"},
	{"email-connections", Fault, "连接保持的设置不正确", "The settings for keeping connections are not right"},
}

// What was wrong with the machine, the database or the set-up.
const (
	Internal       = "internal"
	Busy           = "busy"
	BacklogTooLong = "backlog-too-long"

	SettingInvalid       = "setting-invalid"
	PortInUse            = "port-in-use"
	FileUnreadable       = "file-unreadable"
	RateLimited          = "rate-limited"
	ShuttingDown         = "shutting-down"
	AssertionFailed      = "assertion-failed"
	ClockWrong           = "clock-wrong"
	HolidaysOutOfDate    = "holidays-out-of-date"
	ChannelSettingsWrong = "channel-settings-wrong"
	DatabaseGone         = "database-gone"
	KeyFileMissing       = "key-file-missing"
	KeyFileOther         = "key-file-other"
)

var machineFaults = []Entry{
	{"internal", Fault, "内部错误,我们已记录", "Something went wrong on our side; it has been recorded"},
	{"busy", Fault, "系统繁忙,请稍后再试", "Busy just now; try again shortly"},
	{"backlog-too-long", Fault, "待处理的事件太多,请按 Retry-After 稍后再发", "Too many events are waiting; send again after Retry-After"},
	{"database-busy", Fault, "等待写入的请求太多,请稍后再试", "Too many writers are waiting; try again shortly"},
	{"database-closed", Fault, "服务正在停止", "The server is stopping"},
	{"database-gone", Fault, "数据库暂时连接不上", "The database does not answer"},
	{"database-locked", Fault, "数据库文件被另一个进程占用", "Another process holds the database file"},
	{"database-newer", Fault, "数据库由更新的版本写过,请升级本程序", "The database was written by a newer version; upgrade this program"},
	{"database-url-unknown", Fault, "数据库地址的写法不对", "The database's address is not written as it should be"},
	{"disk-full", Fault, "磁盘已满", "The disk is full"},
	{"disk-error", Fault, "磁盘读写出错", "The disk reports errors"},
	{"key-file-broken", Fault, "密钥文件损坏或无法读取", "The key file is damaged or cannot be read"},
	{"setting-invalid", Fault, "配置项不正确", "A setting is not right"},
	{"port-in-use", Fault, "端口已被占用", "The port is already in use"},
	{"file-unreadable", Fault, "文件无法读取", "The file could not be read"},
	{"rate-limited", Fault, "请求过于频繁", "Too many requests"},
	{"shutting-down", Fault, "服务正在停止,请稍后再试", "The server is stopping; try again shortly"},
	{"assertion-failed", Fault, "内部检查发现不一致", "An internal check failed"},
	{"clock-wrong", Fault, "系统时钟与数据库时钟相差过大", "The clocks of this machine and the database disagree"},
	{"holidays-out-of-date", Fault, "节假日数据已过期", "The holiday data is out of date"},
	{"channel-settings-wrong", Fault, "渠道配置不正确", "The channel's settings are not right"},
	{"key-file-missing", Fault, "找不到数据库所用的密钥文件", "The key file this database was used with is not there"},
	{"key-file-other", Fault, "密钥文件与数据库不匹配", "The key file is not the one this database was used with"},
	{"audit-chain-broken", Fault, "审计链校验未通过", "The audit chain does not verify"},
	{"setting-broken", Fault, "数据库里保存的一项设置已损坏", "A setting kept in the database is damaged"},
	{"replay-other-stream", Fault, "这不是先前回放的那份事件文件", "This is not the stream that was replayed before"},
	{"file-too-large", Fault, "文件太大", "The file is too large"},
}
