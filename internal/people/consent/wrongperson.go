package consent

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// disowningCharsMax is the longest text that disowns; who writes more is read by a person.
const disowningCharsMax = 100

// disowningChinese and disowningEnglish match texts that say that we reached somebody else, and
// nothing more. Money is sent to the wrong person too, and a payment is made to a wrong number:
// so nothing but greetings and the like may stand around the phrase.
var (
	disowningChinese = nothingBut([]string{
		`(?:你|您|你们|贵司)?(?:这是|是)?(?:打|发|找|联系|认|搞)错(?:人|号码?|电话|手机号?)`,
		`(?:你|您|你们)(?:这是|是)?(?:打|发|找|联系)错`,
		`(?:短信|信息|消息|电话)(?:打|发)错人`,
		`(?:这|此|这个|本)?(?:号码?|手机号?|电话|邮箱)(?:已经?|现在|早就)?(?:不是|并非)(?:本人|他|她|我|机主)的?`,
		`(?:这|那)?(?:不是|并非)(?:我|他|她)的(?:号码?|手机号?|电话|邮箱)`,
		`我?(?:不是|并非)(?:本人|机主|他|她|这个人|你(?:们)?(?:说的|要?找的)(?:那个|这个)?人?)`,
		`我不是(?:你们?说的|你们?要?找的)?[\p{Han}]{1,4}(?:先生|女士|小姐|太太|本人)`,
		`我?(?:不认识|没有)(?:你们?说的)?(?:这个|此)人`,
		`(?:这|此)(?:个)?(?:号码?|手机号?|电话)(?:现在)?(?:已经?|早就)?(?:换人|换主人?|是我在用|是我的|归我)`,
		`(?:这个?)?(?:号码?|手机号?)(?:已经?|早就)换(?:人|主人?|机主)`,
		`查无此人`,
	}, []string{
		`你好|您好|喂|不好意思|对不起|抱歉|请|麻烦|谢谢?|拜托|先生|女士`, `了|啊|呀|啦|吧|哦|哈|的|都`, `短信|信息`,
		`退订|(?:别|不要|请勿)再?(?:给我)?(?:打|发|联系|骚扰|打扰)(?:来|我|短信|电话)?`,
	}, "")
	disowningEnglish = nothingBut([]string{
		`(?:you have |you ve |youve |you |youre |its |it is |this is |this |thats )?(?:got |the |a )*wrong (?:number|person|guy|recipient)`,
		`(?:you have|youve|you)?(?: ?(?:got|texted|emailed|called|messaged|reached|contacted))? ?the wrong (?:number|person|guy|man|woman|recipient|e ?mail(?: address)?|phone)`,
		`(?:this is |this |its |it is |thats |that is )?(?:not|isnt) my (?:phone |mobile )?number`,
		`(?:im|i am|this is) not (?:the )?(?:person|customer|him|her|account holder|owner|phone owner)(?: you(?:re| are)? (?:looking for|trying to reach|want(?:ed)?))?`,
		`(?:im|i am|this is) not (?:mr|mrs|ms|miss|dr) \w+`,
		`i? ?(?:dont|do not) know (?:this|that) (?:person|name|man|woman|guy)`, `i? ?(?:have |ve |ive )?never heard of (?:him|her|them|this person)`,
		`(?:no such person|nobody by that name|no one by that name)`,
		`this number (?:now )?(?:belongs to|is) (?:me|someone else|somebody else|someone elses|somebody elses)`,
		`(?:this |the )?number (?:has )?changed owners?`,
	}, []string{
		`hi|hello|hey|sorry|please|pls|thanks|thank you|ok|sir|madam|maam|mate|buddy|dear|i think|im afraid|here|now|again|anymore`,
		`stop|remove me|(?:stop|quit) (?:texting|calling|messaging|contacting)(?: me| us| this number)?`,
		`(?:dont|do not) (?:text|call|message|contact)(?: me| us| this number)?`,
	}, " ")
)

// nothingBut matches one of the phrases or more, and fillers around them.
func nothingBut(phrases, fillers []string, space string) *regexp.Regexp {
	end := "(?:" + space + "|$)"
	filler := "(?:(?:" + strings.Join(fillers, "|") + ")" + end + ")*"
	return regexp.MustCompile("^" + filler + "(?:(?:" + strings.Join(phrases, "|") + ")" + end + filler + ")+$")
}

// WrongPerson says whether somebody's words tell us that they aren't the customer whose number
// or address this is. It takes much away from the customer and from all who share the point, so
// only a short text that says that and nothing else counts; a question never does.
func WrongPerson(text string) bool {
	if strings.ContainsAny(text, "?？") || utf8.RuneCountInString(text) > disowningCharsMax {
		return false
	}
	text = plain(text)
	return disowningEnglish.MatchString(strings.Join(strings.Fields(text), " ")) || disowningChinese.MatchString(compacted(text))
}
