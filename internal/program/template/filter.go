package template

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// filter is one way to write a value. A filter without out keeps the kind it is given.
type filter struct {
	usage  string
	in     []event.Kind
	args   []event.Kind
	out    event.Kind
	filled bool // it gives something even for a missing value
	apply  func(f *frame, in any, args []any) (any, error)
}

var filters map[string]*filter

func init() { // a variable of its own would refer to itself through the frame
	text := []event.Kind{event.String}
	filters = map[string]*filter{
		"money": {
			usage: "money: trigger.data.currency", in: []event.Kind{event.Int}, args: text, out: event.String, apply: money,
		},
		"local_date": {usage: "local_date", in: []event.Kind{event.Timestamp, event.String}, out: event.String, apply: localDate},
		"local_time": {usage: "local_time", in: []event.Kind{event.Timestamp}, out: event.String, apply: localTime},
		"reason_text": {
			usage: "reason_text", in: text, out: event.String,
			apply: func(f *frame, in any, _ []any) (any, error) { return ReasonText(in.(string), f.language), nil },
		},
		"masked_name": {
			usage: "masked_name", in: text, out: event.String, filled: true,
			apply: func(f *frame, in any, _ []any) (any, error) {
				name, _ := in.(string)
				return MaskedName(name, f.language), nil
			},
		},
		"upcase": {
			usage: "upcase", in: text, out: event.String,
			apply: func(_ *frame, in any, _ []any) (any, error) { return strings.ToUpper(in.(string)), nil },
		},
		"downcase": {
			usage: "downcase", in: text, out: event.String,
			apply: func(_ *frame, in any, _ []any) (any, error) { return strings.ToLower(in.(string)), nil },
		},
		"truncate": {usage: "truncate: 20", in: text, args: []event.Kind{event.Int}, out: event.String, apply: truncate},
		"size": {
			usage: "size", in: []event.Kind{event.String, event.List}, out: event.Int,
			apply: func(_ *frame, in any, _ []any) (any, error) {
				if list, ok := in.([]any); ok {
					return int64(len(list)), nil
				}
				return int64(utf8.RuneCountInString(in.(string))), nil
			},
		},
		"join": {usage: `join: ", "`, in: []event.Kind{event.List}, args: text, out: event.String, apply: joinList},
		"default": {
			usage: `default: "…"`, args: []event.Kind{anyKind}, filled: true,
			apply: func(_ *frame, in any, args []any) (any, error) {
				if in == nil || in == false || in == "" {
					return args[0], nil
				}
				return in, nil
			},
		},
	}
}

func filterNames() []string { return slices.Sorted(maps.Keys(filters)) }

// check refuses a filter that can't work with what it is given.
func (t *filter) check(x *expression, args []*expression) error {
	if len(args) != len(t.args) {
		return errs.New(errs.Invalid, codeTypes, "the filter takes %d values after it, and is given %d; write `%s`", len(t.args), len(args), t.usage)
	}
	if len(t.in) > 0 && x.kind != anyKind && !slices.Contains(t.in, x.kind) {
		return errs.New(errs.Invalid, codeTypes, "`%s` works on %s, and is given %s", t.usage, kindWord(t.in[0]), kindWord(x.kind))
	}
	for i, a := range args {
		if a.kind != t.args[i] && a.kind != anyKind && t.args[i] != anyKind {
			return errs.New(errs.Invalid, codeTypes, "after `%s` comes %s, and it is given %s; write `%s`",
				strings.Fields(t.usage)[0], kindWord(t.args[i]), kindWord(a.kind), t.usage)
		}
	}
	if t.out == anyKind && len(args) == 1 && x.kind != anyKind && args[0].kind != anyKind && x.kind != args[0].kind {
		return errs.New(errs.Invalid, codeTypes, "`default` stands in for %s, and is given %s", kindWord(x.kind), kindWord(args[0].kind))
	}
	return nil
}

// result tells the kind of what the filter gives.
func (t *filter) result(x *expression, _ []*expression) {
	if t.out != anyKind {
		x.kind, x.of = t.out, anyKind
	}
	x.hasElse = x.hasElse || t.filled
}

// minorDigits are the currencies whose minor unit isn't a hundredth.
var minorDigits = map[string]int{
	"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "XAF": 0, "XOF": 0, "UGX": 0, "PYG": 0, "RWF": 0,
	"KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3, "IQD": 3, "LYD": 3,
}

var currencyWords = map[string]map[string]string{
	document.ZhCN: {"CNY": "元", "USD": "美元", "EUR": "欧元", "HKD": "港元", "JPY": "日元", "GBP": "英镑"},
	document.En:   {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£"},
}

const digitsGroup = 3

// Money writes an amount in minor units as people of the language read it.
func Money(minor int64, currency, language string) string {
	digits, odd := minorDigits[currency]
	if !odd {
		digits = 2
	}
	sign, number := "", strconv.FormatInt(minor, 10)
	if number[0] == '-' {
		sign, number = "-", number[1:]
	}
	for len(number) <= digits {
		number = "0" + number
	}
	whole, part := number[:len(number)-digits], number[len(number)-digits:]
	for i := len(whole) - digitsGroup; i > 0; i -= digitsGroup {
		whole = whole[:i] + "," + whole[i:]
	}
	if digits > 0 {
		whole += "." + part
	}
	if isChinese(language) {
		if word, ok := currencyWords[document.ZhCN][currency]; ok {
			return sign + whole + word
		}
		return sign + whole + " " + currency
	}
	if word, ok := currencyWords[document.En][currency]; ok {
		return sign + word + whole
	}
	return sign + currency + " " + whole
}

func money(f *frame, in any, args []any) (any, error) {
	minor, ok := in.(int64)
	currency, isText := args[0].(string)
	if !ok || !isText {
		return nil, errs.New(errs.Invalid, codeMissing, "an amount has no currency, or isn't a whole number of minor units")
	}
	return Money(minor, currency, f.language), nil
}

func isChinese(language string) bool { return strings.HasPrefix(language, "zh") }

// moment reads a time of an event, or a plain date.
func moment(f *frame, in any) (at time.Time, ok bool) {
	switch v := in.(type) {
	case time.Time:
		return v.In(f.zone), true
	case string:
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			return t.In(f.zone), true
		}
		if t, err := time.Parse(time.DateOnly, v); err == nil {
			return t, true // a date has no zone to move it
		}
	}
	return time.Time{}, false
}

func localDate(f *frame, in any, _ []any) (any, error) {
	at, ok := moment(f, in)
	if !ok {
		return nil, errs.New(errs.Invalid, codeMissing, "`%v` isn't a date", in)
	}
	if isChinese(f.language) {
		return at.Format("2006年1月2日"), nil
	}
	return at.Format("2 January 2006"), nil
}

func localTime(f *frame, in any, _ []any) (any, error) {
	at, ok := moment(f, in)
	if !ok {
		return nil, errs.New(errs.Invalid, codeMissing, "`%v` isn't a time", in)
	}
	return at.Format("15:04"), nil
}

func truncate(_ *frame, in any, args []any) (any, error) {
	n, _ := args[0].(int64)
	text := []rune(in.(string))
	if n < 1 || int64(len(text)) <= n {
		return in, nil
	}
	return string(text[:n-1]) + "…", nil
}

func joinList(_ *frame, in any, args []any) (any, error) {
	list, ok := in.([]any)
	by, _ := args[0].(string)
	if !ok {
		return nil, errs.New(errs.Invalid, codeMissing, "what should be joined isn't a list")
	}
	var out strings.Builder
	for i, item := range list[:min(len(list), LoopItemsMax)] {
		if i > 0 {
			out.WriteString(by)
		}
		text, err := textOf(item)
		if err != nil {
			return nil, err
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// MaskedName shows the least of a name that still lets its owner know who is meant; who has
// told us no name is a customer.
func MaskedName(name, language string) string {
	switch {
	case strings.TrimSpace(name) != "":
		return customer.Mask(strings.TrimSpace(name))
	case isChinese(language):
		return "客户"
	}
	return "customer"
}

// reasons are the failure reasons wallets report, in words a customer understands.
var reasons = map[string]document.Text{
	"insufficient-funds":     {document.ZhCN: "余额不足", document.En: "not enough balance"},
	"bank-declined":          {document.ZhCN: "银行未通过", document.En: "declined by the bank"},
	"card-declined":          {document.ZhCN: "银行卡被拒", document.En: "the card was declined"},
	"card-expired":           {document.ZhCN: "银行卡已过期", document.En: "the card has expired"},
	"card-not-supported":     {document.ZhCN: "不支持这张银行卡", document.En: "this card is not supported"},
	"limit-exceeded":         {document.ZhCN: "超出限额", document.En: "over the limit"},
	"daily-limit-exceeded":   {document.ZhCN: "超出当日限额", document.En: "over today's limit"},
	"network":                {document.ZhCN: "网络异常", document.En: "a network problem"},
	"timeout":                {document.ZhCN: "处理超时", document.En: "it took too long"},
	"risk-review":            {document.ZhCN: "安全核验未完成", document.En: "a security check is still open"},
	"account-locked":         {document.ZhCN: "账户已锁定", document.En: "the account is locked"},
	"account-closed":         {document.ZhCN: "收款账户已注销", document.En: "the receiving account is closed"},
	"name-mismatch":          {document.ZhCN: "户名不一致", document.En: "the name does not match the account"},
	"identity-not-verified":  {document.ZhCN: "尚未完成实名认证", document.En: "identity not verified yet"},
	"document-unreadable":    {document.ZhCN: "证件照片不清晰", document.En: "the photo of the document is not clear"},
	"bank-maintenance":       {document.ZhCN: "银行系统维护", document.En: "the bank is under maintenance"},
	"merchant-unavailable":   {document.ZhCN: "商户暂时无法收款", document.En: "the merchant cannot take payments just now"},
	"cancelled-by-customer":  {document.ZhCN: "您已取消", document.En: "cancelled by you"},
	"wrong-password":         {document.ZhCN: "支付密码有误", document.En: "the payment password was wrong"},
	"too-many-attempts":      {document.ZhCN: "尝试次数过多", document.En: "too many tries"},
	"unusual-sign-in":        {document.ZhCN: "登录环境异常", document.En: "an unusual sign-in"},
	"reported-lost":          {document.ZhCN: "已挂失", document.En: "reported lost"},
	"duplicate-order":        {document.ZhCN: "订单重复", document.En: "the order was sent twice"},
	"currency-not-supported": {document.ZhCN: "不支持该币种", document.En: "this currency is not supported"},
}

var otherReason = document.Text{document.ZhCN: "系统原因", document.En: "a problem on our side"}

// ReasonText puts a failure reason in words; one that isn't known is put politely.
func ReasonText(code, language string) string {
	code = strings.ToLower(strings.NewReplacer("_", "-", " ", "-", ".", "-").Replace(code))
	if text, ok := reasons[code]; ok {
		return text.In(language)
	}
	return otherReason.In(language)
}
