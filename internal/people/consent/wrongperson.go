package consent

import (
	"regexp"
	"strings"
)

// wrongPersonChinese and wrongPersonEnglish say that we reached somebody else.
var (
	wrongPersonChinese = regexp.MustCompile(strings.Join([]string{
		`(?:打|发|找)错(?:人|号码?|电话)|(?:^|你们?)(?:打|发|找)错了(?:吧|$)`,
		`(?:号码?|电话|手机|邮箱|短信)(?:不是|并非)(?:本人|他|她|我)的?(?:了|$)`,
		`^(?:我)?(?:不是|并非)(?:本人|机主|这个人|你(?:们)?(?:要)?找的人)`,
		`我不是(?:你们?说的|你们?要找的)?[\p{Han}]{1,4}(?:先生|女士|小姐|本人)`,
		`(?:不认识|没有)(?:你们?说的)?(?:这个|此)人`,
		`(?:换|改)(?:了)?(?:号|机主)了?.{0,6}(?:不是|别找)|(?:这|此)(?:个)?(?:号码?|手机)(?:现在)?(?:已经?)?(?:是我|换人|换主)`,
		`查无此人`,
	}, "|"))
	wrongPersonEnglish = regexp.MustCompile(strings.Join([]string{
		`\bwrong (?:number|person|guy|address|email|recipient)\b`,
		`\b(?:you have|youve got|got|texted|emailed|called) the wrong\b`,
		`\b(?:im|i am|this is|this isnt|its) not (?:\w+ )?(?:the )?(?:person|customer|him|her|account holder|owner)\b`,
		`\b(?:dont|do not) know (?:this|that|the) (?:person|name|man|woman|guy)\b|\bnever heard of (?:him|her|them|this person)\b`,
		`\b(?:not|isnt) my (?:account|wallet) and\b|\bthis number (?:now )?(?:belongs to|is) (?:me now|someone else|somebody else)\b|\bchanged owners?\b`,
	}, "|"))
)

// WrongPerson says whether somebody's words tell us that they aren't the customer whose number
// or address this is.
func WrongPerson(text string) bool {
	text = plain(bounded(text))
	return wrongPersonEnglish.MatchString(strings.Join(strings.Fields(text), " ")) || wrongPersonChinese.MatchString(compacted(text))
}
