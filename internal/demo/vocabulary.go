package demo

import (
	"fmt"

	"github.com/huiyin/huiyin/internal/program/document"
)

// vocabulary is the words of the pages for what the product keeps as codes.
var vocabulary = map[string]document.Text{
	// where a follow-up stands
	"waiting":     {document.ZhCN: "等待下一步", document.En: "waiting for its next step"},
	"contacting":  {document.ZhCN: "正在触达", document.En: "contacting"},
	"set_aside":   {document.ZhCN: "待人工确认", document.En: "set aside"},
	"answered":    {document.ZhCN: "已作答", document.En: "answered"},
	"told":        {document.ZhCN: "已告知", document.En: "told"},
	"unanswered":  {document.ZhCN: "未作答", document.En: "unanswered"},
	"unreachable": {document.ZhCN: "未触达", document.En: "unreachable"},
	"declined":    {document.ZhCN: "客户谢绝", document.En: "declined"},
	"cancelled":   {document.ZhCN: "已取消", document.En: "cancelled"},
	"suppressed":  {document.ZhCN: "被拦截", document.En: "withheld"},
	"expired":     {document.ZhCN: "已过期", document.En: "expired"},
	"held_out":    {document.ZhCN: "对照组", document.En: "held out"},

	// where an attempt stands
	"intended":    {document.ZhCN: "已记录,正在发出", document.En: "recorded, on its way"},
	"withheld":    {document.ZhCN: "发出前拦下", document.En: "stopped at the last look"},
	"rejected":    {document.ZhCN: "被拒", document.En: "rejected"},
	"unknown":     {document.ZhCN: "结果未知", document.En: "outcome unknown"},
	"accepted":    {document.ZhCN: "已受理", document.En: "taken"},
	"undelivered": {document.ZhCN: "未送达", document.En: "not delivered"},
	"delivered":   {document.ZhCN: "已送达", document.En: "delivered"},
	"seen":        {document.ZhCN: "已查看", document.En: "seen"},

	// what was decided
	"allow": {document.ZhCN: "放行", document.En: "allow"},
	"defer": {document.ZhCN: "延后", document.En: "not yet"},
	"deny":  {document.ZhCN: "拦截", document.En: "no"},
	"pass":  {document.ZhCN: "跳过", document.En: "passed over"},

	// the kinds of moments of a story
	"trigger":  {document.ZhCN: "触发", document.En: "trigger"},
	"decision": {document.ZhCN: "判定", document.En: "decision"},
	"attempt":  {document.ZhCN: "触达", document.En: "contact"},
	"answer":   {document.ZhCN: "作答", document.En: "answer"},
	"end":      {document.ZhCN: "完结", document.En: "end"},
	"event":    {document.ZhCN: "事件", document.En: "event"},
	"mail":     {document.ZhCN: "邮件", document.En: "mail"},

	// channels and purposes
	"email":     {document.ZhCN: "邮件", document.En: "e-mail"},
	"phone":     {document.ZhCN: "电话", document.En: "phone"},
	"sms":       {document.ZhCN: "短信", document.En: "text message"},
	"inapp":     {document.ZhCN: "应用内消息", document.En: "in-app message"},
	"*":         {document.ZhCN: "全部", document.En: "all"},
	"notice":    {document.ZhCN: "必达通知", document.En: "notice"},
	"service":   {document.ZhCN: "服务", document.En: "service"},
	"safety":    {document.ZhCN: "安全", document.En: "safety"},
	"survey":    {document.ZhCN: "调研", document.En: "survey"},
	"marketing": {document.ZhCN: "营销", document.En: "marketing"},

	// what customers say of being contacted
	"consent":    {document.ZhCN: "同意", document.En: "agreed"},
	"withdrawal": {document.ZhCN: "撤回同意", document.En: "took back their consent"},
	"refusal":    {document.ZhCN: "拒绝", document.En: "refused"},
	"own-hours":  {document.ZhCN: "希望的联系时段", document.En: "hours they asked for"},
	"language":   {document.ZhCN: "语言", document.En: "language"},
	"lifted":     {document.ZhCN: "撤回拒绝", document.En: "took back a refusal"},
	"not-theirs": {document.ZhCN: "号码不是本人的", document.En: "not their number"},

	// states of a program
	"draft":   {document.ZhCN: "草稿", document.En: "draft"},
	"running": {document.ZhCN: "运行中", document.En: "running"},
	"paused":  {document.ZhCN: "已暂停", document.En: "paused"},
	"stopped": {document.ZhCN: "已停止", document.En: "stopped"},
}

// word gives a code in the page's language; one without a word is shown as it is.
func (v *view) word(code any) string {
	key := fmt.Sprint(code)
	if t, known := vocabulary[key]; known {
		return t.In(v.lang)
	}
	return key
}
