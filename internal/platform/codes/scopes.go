package codes

// What an API key may do. A key holds the fewest that serve it: a wallet's
// back end needs the first two alone.
const (
	EventsWrite      Scope = "events-write"
	CustomersWrite   Scope = "customers-write"
	CustomersRead    Scope = "customers-read"
	RefusalsWrite    Scope = "refusals-write"
	ListsWrite       Scope = "lists-write"
	AssignmentsWrite Scope = "assignments-write"
	DocumentsWrite   Scope = "documents-write"
	DocumentsRead    Scope = "documents-read"
	ProgramsOperate  Scope = "programs-operate"
	FollowUpsRead    Scope = "follow-ups-read"
	SetAsideEnd      Scope = "set-aside-end"
	AnswersRead      Scope = "answers-read"
	ReportsRead      Scope = "reports-read"
	AuditRead        Scope = "audit-read"
	KeysWrite        Scope = "keys-write"
	ReceiptsWrite    Scope = "receipts-write"
	WebhooksRead     Scope = "webhooks-read"
	WebhooksWrite    Scope = "webhooks-write"
	CustomersSign    Scope = "customers-sign"
	ContactsCheck    Scope = "contacts-check"
	SuspicionsRead   Scope = "suspicions-read"
	Admin            Scope = "admin"
)

var rights = []Entry{
	{"events-write", Right, "发送事件", "Send events"},
	{"customers-write", Right, "写入客户资料", "Write customers"},
	{"customers-read", Right, "读取客户资料", "Read customers"},
	{"refusals-write", Right, "登记同意与拒绝", "Record consents and refusals"},
	{"lists-write", Right, "上传名单", "Upload lists"},
	{"assignments-write", Right, "导入对照组分配", "Import who is held out"},
	{"documents-write", Right, "写入计划、模板等文档", "Write programs, templates and other documents"},
	{"documents-read", Right, "读取计划、模板等文档", "Read programs, templates and other documents"},
	{"programs-operate", Right, "发布、暂停和恢复回访计划", "Publish, pause and resume programs"},
	{"follow-ups-read", Right, "查看回访单和触达台账", "Read follow-ups and the contact ledger"},
	{"set-aside-end", Right, "处理待人工确认的回访单", "Settle follow-ups that are set aside"},
	{"answers-read", Right, "读取答卷", "Read answers"},
	{"reports-read", Right, "读取报表", "Read reports"},
	{"audit-read", Right, "查看审计记录", "Read the audit log"},
	{"keys-write", Right, "创建和停用密钥", "Create and withdraw keys"},
	{"receipts-write", Right, "回传送达回执", "Report what became of messages"},
	{"webhooks-read", Right, "查看推送地址和投递记录", "Read webhook endpoints and their delivery log"},
	{"webhooks-write", Right, "设置推送地址、轮换密钥、重新投递", "Set up webhook endpoints, rotate secrets, send again"},
	{"customers-sign", Right, "为客户签发应用内令牌(只能单独使用)", "Sign in-app tokens for customers (a key of its own)"},
	{"contacts-check", Right, "核实消息是否由我们发出", "Ask whether a message is ours"},
	{"suspicions-read", Right, "查看可疑消息举报", "Read reports of suspicious messages"},
	{"admin", Right, "全部权限", "Everything"},
}
