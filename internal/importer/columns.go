package importer

import (
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// also lists the headings people write for a column, beside its own name.
var also = map[string][]string{
	"id":         {"customer", "customer_id", "customerid", "ref", "user_id", "userid", "uid", "客户", "客户号", "客户编号", "客户id", "用户", "用户id", "用户编号"},
	"name":       {"full_name", "姓名", "客户姓名", "名字"},
	"language":   {"lang", "语言"},
	"country":    {"国家", "国家地区", "国家或地区"},
	"birth_year": {"year_of_birth", "出生年", "出生年份"},
	"zones":      {"zone", "time_zone", "timezone", "时区"},
	"has":        {"拥有", "已开通"},
	"email":      {"e-mail", "mail", "邮箱", "邮件", "电子邮箱", "电子邮件"},
	"phone":      {"mobile", "msisdn", "tel", "telephone", "sms", "手机", "手机号", "手机号码", "电话", "电话号码"},
	"verified":   {"已验证"},
	"arm":        {"group", "分组", "组别"},
	"control":    {"对照", "对照组", "是否对照"},
	"at":         {"time", "assigned_at", "时间", "分配时间"},
}

// plain takes out of a heading what people write in many ways.
func plain(heading string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(strings.TrimSpace(heading)))
}

// columns finds where each known column stands; -1: nowhere.
type columns map[string]int

// find maps headings to the columns wanted. Headings that mean none of them go to other
// if it is there, and are refused if not.
func find(headings, want []string, other func(i int, heading string)) (columns, error) {
	byHeading := map[string]string{}
	for _, w := range want {
		byHeading[plain(w)] = w
		for _, a := range also[w] {
			byHeading[plain(a)] = w
		}
	}
	cols := columns{}
	for i, h := range headings {
		w, known := byHeading[plain(h)]
		switch {
		case known:
			if _, twice := cols[w]; twice {
				return nil, errs.New(errs.Invalid, codes.FieldInvalid, "two columns mean %s; keep one of them", w).At("line 1")
			}
			cols[w] = i
		case other != nil:
			other(i, h)
		default:
			return nil, errs.New(errs.Invalid, codes.FieldUnknown, "the column `%.60s` means nothing here%s", h, document.DidYouMean(h, want)).At("line 1")
		}
	}
	return cols, nil
}

// need refuses a file that lacks a column.
func (c columns) need(column string) error {
	if _, ok := c[column]; ok {
		return nil
	}
	return errs.New(errs.Invalid, codes.FieldMissing, "there is no column %s; it may also be called %s", column, strings.Join(also[column], ", ")).At("line 1")
}

// of gives a row's value in a column, "" if there is none.
func (c columns) of(row Row, column string) string {
	i, ok := c[column]
	if !ok {
		return ""
	}
	return strings.TrimSpace(row.Fields[i])
}

// several takes apart what stands in one field: by semicolons, spaces or bars.
func several(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '|' || r == ' ' || r == '、' || r == '\uff1b' })
}

// truth reads yes and no as people write them.
func truth(text string) (yes, ok bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "y", "1", "是", "对照":
		return true, true
	case "false", "no", "n", "0", "", "否":
		return false, true
	}
	return false, false
}

// moment reads a time or a day.
func moment(text string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
