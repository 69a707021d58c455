package template

import (
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

// What no message of ours may ask for, and the words of asking. A clause that has both and no
// denial is refused: customers learn from us what a fraud looks like.
var (
	secretZH = regexp.MustCompile(`验证码|校验码|动态码|动态口令|短信码|激活码|密码|口令|c\s*v\s*[vc]|安全码|身份证|证件号|卡号|有效期|屏幕共享|共享屏幕|远程控制|远程协助|远程操作|(?:安全|指定|以下|下列|监管|核查|专用)的?账户|收到的(?:[0-9一二三四五六七八九十]+位)?数字|[0-9一二三四五六七八九十]+位数字|teamviewer|anydesk|向日葵|todesk`)
	askZH    = regexp.MustCompile(`提供|告诉|告知|告之|回复|发送|发给|发到|发来|报给|报一下|报出|念给|念一下|念出|说出|说一下|输入|填写|填入|上传|提交|共享|分享|转发|开启|打开|打开|下载|安装|启动|同意|接受|配合|允许|(?:我们|客服|工作人员)(?:会|将|需要|需|要)?(?:向您)?(?:索要|索取|核实|核对|询问)|转入|转到|转账|汇入|汇到|存入|写上|写下|写在|拍摄|拍照|是多少|是什么`)
	denyZH   = regexp.MustCompile(`不会|不要|不需|不得|不可|不能|不向|勿|别(?:把|将|告|向|提|透)|从不|从未|绝不|决不|无需|无须|不用|没有|严禁|谨防|警惕|并非|诈骗|骗子|骗局|自称|冒充|假冒|如有人|任何人`)

	secretEN = regexp.MustCompile(`\b(?:(?:verification|security|one[- ]time|sms|access|auth(?:entication|orization)?|login|sign[- ]in|confirmation|[0-9]-digit) ?(?:code|pin|passcode|password)s?|codes?|otps?|passwords?|passcodes?|pins?|pin (?:code|number)s?|cvv2?|cvc2?|card (?:number|details|expiry)s?|(?:national )?id(?:entity)?(?: card)? numbers?|ssn|social security numbers?|passport numbers?|remote (?:control|access|desktop|support)|screen[- ]?shar(?:e|ing)|share your screen|control your (?:screen|phone|device)|team ?viewer|any ?desk|(?:safe|secure|protected|following|holding|designated) account|account (?:below|we have|we ve)|(?:photo|picture|copy|scan)s? of (?:both sides of |the back of |the front of )?(?:your|the) (?:id|card|passport|identity)(?: card)?)\b`)
	askEN    = regexp.MustCompile(`\b(?:send|tell|give|provide|reply|respond|enter|share|sharing|confirm|type|read|submit|text us|text back|install|download|start|allow|grant|accept|verify|upload|forward|transfer|say|supply|state|move|let us|photograph|ask (?:you )?for your|ask you for|we need your|need your|what(?: i|')s your|what(?: i|')s the code|we (?:will|need|must|may) (?:ask|request))\b`)
	denyEN   = regexp.MustCompile(`\b(?:never|not|don't|do not|won't|cannot|can't|without|no one|nobody|no need|isn't|beware|scam|fraud|hang up|whoever|anyone who|anybody who|not allowed|leave out)\b|n't\b|\bif (?:some|any)(?:one|body) asks\b`)

	clauseEnd = regexp.MustCompile(`[。！？!?;；\n\r]+|\.(?:\s|$)|[,，、]\s*(?:请|并|然后|再|please|then|and then|so|but|just|simply)|但(?:是)?|\bbut\b|\bhowever\b|\band please\b|\bplease\b`)
	hidden    = strings.NewReplacer("\u200b", "", "\u200c", "", "\u200d", "", "\ufeff", "", "\u00ad", "", "’", "'", "*", "", "·", "", "_", "",
		"驗", "验", "證", "证", "碼", "码", "請", "请", "號", "号", "帳", "账", "賬", "账", "戶", "户", "轉", "转", "會", "会", "將", "将", "訴", "诉", "發", "发", "給", "给", "們", "们",
		"輸", "输", "遠", "远", "協", "协", "開", "开", "啟", "启", "載", "载", "讓", "让", "騙", "骗", "從", "从", "絕", "绝", "無", "无", "須", "须",
		"输入次数", "次数", "输入错误", "错误", "输入有误", "有误")
	hanGap = regexp.MustCompile(`(\p{Han})[ \-.]+(\p{Han})`)
)

// Lint refuses a text that asks the customer for a code, a password, a card's security code, an
// identity number or control of the device. Saying that we never ask for them is welcome.
func Lint(text string) error {
	plain := strings.ToLower(hidden.Replace(norm.NFKC.String(text)))
	for range 2 { // gaps may overlap
		plain = hanGap.ReplaceAllString(plain, "$1$2")
	}
	for _, clause := range clauses(plain) {
		for _, language := range []struct{ secret, ask, deny *regexp.Regexp }{{secretZH, askZH, denyZH}, {secretEN, askEN, denyEN}} {
			secret := language.secret.FindString(clause)
			if secret == "" || !language.ask.MatchString(clause) || language.deny.MatchString(clause) {
				continue
			}
			return errs.New(errs.Invalid, codeSecret, "the text asks the customer for `%s` (in `%s`); we never ask for codes, passwords, "+
				"card or identity numbers or control of a device: leave it out", secret, shorten(clause))
		}
	}
	return nil
}

// clauses splits a text so that a denial covers its own clause and not the next one's request.
// A word that opens a request, such as 请 or please, stays with what follows it.
func clauses(s string) []string {
	var list []string
	from := 0
	for _, m := range clauseEnd.FindAllStringIndex(s, -1) {
		if m[0] < from {
			continue
		}
		list = append(list, s[from:m[0]])
		from = m[0]
	}
	return append(list, s[from:])
}

const clauseCharsMax = 80

func shorten(s string) string {
	letters := []rune(strings.TrimSpace(s))
	if len(letters) > clauseCharsMax {
		return string(letters[:clauseCharsMax]) + "…"
	}
	return string(letters)
}

var activeHTML = regexp.MustCompile(`(?i)<\s*/?\s*(?:script|iframe|object|embed|form|input|link|meta|base|svg|style)\b|\son[a-z]+\s*=|javascript:|data:text`)

// lintHTML refuses what an e-mail must not carry.
func lintHTML(source string) error {
	if found := activeHTML.FindString(source); found != "" {
		return errs.New(errs.Invalid, codeShape, "the HTML holds `%s`, which mail readers block and people mistrust; leave it out", strings.TrimSpace(found))
	}
	return nil
}
