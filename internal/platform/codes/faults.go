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
	LinkExpired         = "link-expired"
	LinkUsed            = "link-used"
	AnswerInvalid       = "answer-invalid"
	SignatureInvalid    = "signature-invalid"
	RowInvalid          = "row-invalid"
	EncodingUnknown     = "encoding-unknown"
	CursorInvalid       = "cursor-invalid"
	UsageInvalid        = "usage-invalid"
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
	{"link-expired", Fault, "链接已过期", "This link has expired"},
	{"link-used", Fault, "这份问卷已经提交过了", "This questionnaire has already been answered"},
	{"answer-invalid", Fault, "答案不在可选范围内", "The answer is not one of those offered"},
	{"signature-invalid", Fault, "签名校验未通过", "The signature does not match"},
	{"row-invalid", Fault, "这一行无法读取", "This row could not be read"},
	{"encoding-unknown", Fault, "无法识别文件编码", "The file's encoding was not recognised"},
	{"cursor-invalid", Fault, "翻页位置无效,请从第一页重新开始", "The page position is not valid; start again from the first page"},
	{"usage-invalid", Fault, "命令用法不正确", "The command was not used correctly"},
}

// What was wrong with a document: a program, a template, a rule pack ….
const (
	MalformedYAML         = "malformed-yaml"
	KindUnknown           = "kind-unknown"
	KeyUnknown            = "key-unknown"
	NameInvalid           = "name-invalid"
	DurationInvalid       = "duration-invalid"
	ReferenceUnknown      = "reference-unknown"
	ConditionInvalid      = "condition-invalid"
	ConditionTooCostly    = "condition-too-costly"
	TemplateInvalid       = "template-invalid"
	TemplateUnbounded     = "template-unbounded"
	VariableUnknown       = "variable-unknown"
	LanguageMissing       = "language-missing"
	ProgramCannotRun      = "program-cannot-run"
	ChannelUnknown        = "channel-unknown"
	DocumentTooLarge      = "document-too-large"
	DocumentRepeated      = "document-repeated"
	RulePackInvalid       = "rule-pack-invalid"
	SchemaInvalid         = "schema-invalid"
	QuestionnaireInvalid  = "questionnaire-invalid"
	PublishingNotPossible = "publishing-not-possible"
)

var documentFaults = []Entry{
	{"malformed-yaml", Fault, "YAML 格式有误", "The YAML is malformed"},
	{"kind-unknown", Fault, "没有这种文档", "There is no such kind of document"},
	{"key-unknown", Fault, "有不认识的键", "There is a key we do not know"},
	{"name-invalid", Fault, "名称只能用小写字母、数字和连字符", "Names are written in lower case, digits and hyphens"},
	{"duration-invalid", Fault, "时长要写成 2s、10m、2h 或 3d", "Durations are written 2s, 10m, 2h or 3d"},
	{"reference-unknown", Fault, "引用的文档不存在", "A document that this one names does not exist"},
	{"condition-invalid", Fault, "条件表达式有误", "The condition does not compile"},
	{"condition-too-costly", Fault, "条件表达式可能运行过久", "The condition could run too long"},
	{"template-invalid", Fault, "模板有误", "The template does not compile"},
	{"template-unbounded", Fault, "模板可能运行过久或输出过长", "The template could run too long or write too much"},
	{"variable-unknown", Fault, "使用了不存在的变量", "A variable is used that does not exist"},
	{"language-missing", Fault, "缺少一种语言的文本", "The text is missing in one of the languages"},
	{"program-cannot-run", Fault, "按截止时间、规则和频控,有步骤永远无法执行", "Under its deadline, rules and caps, a step could never be taken"},
	{"channel-unknown", Fault, "没有这个渠道", "There is no such channel"},
	{"document-too-large", Fault, "文档过大", "The document is too large"},
	{"document-repeated", Fault, "同一名称出现了两次", "The same name appears twice"},
	{"rule-pack-invalid", Fault, "合规规则库有误", "The rule pack is not right"},
	{"schema-invalid", Fault, "事件的 JSON Schema 有误", "The event's JSON Schema is not right"},
	{"questionnaire-invalid", Fault, "问卷有误", "The questionnaire is not right"},
	{"publishing-not-possible", Fault, "现在还不能发布", "It cannot be published yet"},
}

// What was wrong with the machine, the database or the set-up.
const (
	Internal             = "internal"
	Busy                 = "busy"
	BacklogTooLong       = "backlog-too-long"
	DatabaseUnavailable  = "database-unavailable"
	DatabaseNewer        = "database-newer"
	DiskFull             = "disk-full"
	PortInUse            = "port-in-use"
	SettingInvalid       = "setting-invalid"
	KeyringUnreadable    = "keyring-unreadable"
	AuditBroken          = "audit-broken"
	ShuttingDown         = "shutting-down"
	TimedOut             = "timed-out"
	MigrationFailed      = "migration-failed"
	RateLimited          = "rate-limited"
	AssertionFailed      = "assertion-failed"
	ClockWrong           = "clock-wrong"
	HolidaysOutOfDate    = "holidays-out-of-date"
	FileUnreadable       = "file-unreadable"
	ChannelSettingsWrong = "channel-settings-wrong"
)

var machineFaults = []Entry{
	{"internal", Fault, "内部错误,我们已记录", "Something went wrong on our side; it has been recorded"},
	{"busy", Fault, "系统繁忙,请稍后再试", "Busy just now; try again shortly"},
	{"backlog-too-long", Fault, "待处理的事件太多,请按 Retry-After 稍后再发", "Too many events are waiting; send again after Retry-After"},
	{"database-unavailable", Fault, "数据库暂时不可用", "The database is not available"},
	{"database-newer", Fault, "数据库由更新的版本写过,请升级本程序", "The database was written by a newer version; upgrade this program"},
	{"disk-full", Fault, "磁盘已满", "The disk is full"},
	{"port-in-use", Fault, "端口已被占用", "The port is already in use"},
	{"setting-invalid", Fault, "配置项不正确", "A setting is not right"},
	{"keyring-unreadable", Fault, "读不出密钥文件", "The keyring file could not be read"},
	{"audit-broken", Fault, "审计链校验未通过", "The audit chain does not verify"},
	{"shutting-down", Fault, "服务正在停止", "The server is stopping"},
	{"timed-out", Fault, "操作超时", "It took too long"},
	{"migration-failed", Fault, "数据库结构升级失败", "Migrating the database failed"},
	{"rate-limited", Fault, "请求过于频繁", "Too many requests"},
	{"assertion-failed", Fault, "内部检查发现不一致", "An internal check failed"},
	{"clock-wrong", Fault, "系统时钟与数据库时钟相差过大", "The clocks of this machine and the database disagree"},
	{"holidays-out-of-date", Fault, "节假日数据已过期", "The holiday data is out of date"},
	{"file-unreadable", Fault, "文件无法读取", "The file could not be read"},
	{"channel-settings-wrong", Fault, "渠道配置不正确", "The channel's settings are not right"},
}
