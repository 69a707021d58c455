package consent

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// readMax bounds how much of a text is read, in characters; the end is read too, since a no
// often comes last.
const readMax = 4_000

// commands refuse when they are all there is: a letter within a sentence says nothing.
// Letters are compared with repeats taken out, so STOPPPP is stop.
var commands = set(`
t td r tt 0000 00000 qx tuiding
stop stopal end quit cancel unsubscribe unsubscibe unsubcribe unsub optout revoke remove removeme leavemealone nomore
退 退订 退定 推订 拒收 拒绝 拒接 拒 停 停止 取消 取消订阅 勿扰 免打扰 请勿打扰 别烦 滚 别发 别打 不要发 不要打 不接受`)

// fillers may stand around a command: please, thanks, "reply".
var (
	fillersEnglish = set(`please pls plz thanks thank you thx now just ok okay immediately already i said reply all it this me sir hi hello dear`)
	fillersChinese = []string{"回复", "回", "请", "麻烦", "谢谢", "你好", "您好", "我要", "我想", "我", "马上", "立即", "立刻", "都", "吧", "了", "啊", "呀", "啦", "谢", "给我", "帮我", "您", "你们", "你", "短信", "信息"}
)

// phrasesChinese refuse wherever they stand. They are matched without spaces and punctuation.
var phrasesChinese = regexp.MustCompile(strings.Join([]string{
	`退订|退定短信|拒收|取消订阅`,
	`(别|不要|不用|勿|停止|别再|不要再|不想再|不准|禁止|少)(再)?(给我|向我|往我|跟我)?(老)?(发|推送|群发)(送)?(了|短信|信息|简讯|讯息|消息|邮件|通知|广告|这些|这种|这类|任何|来|$)`,
	`(别|不要|不用|勿|停止|不准|禁止|少)(再)?(给我|向我|往我|跟我)?(老)?(打|来|拨|拨打)(我)?(的)?(了|电话|手机|骚扰|这个号|$)`,
	`(别|不要|不用|勿|停止|不准|禁止|少)(再)?(来|再)?(联系|骚扰|打扰|烦|来电|回访|致电)(我|了|本人|$)`,
	`(别|不要|不用|不需要|不想|不愿意?|拒绝|不接受|停止|取消)(再)?(接受|接收|收到|接到|参加|参与|做)?(任何|你们的?|贵司的?|这种|这类|这些|此类|的)*(回访|调查|调研|问卷|推送|营销|推销|广告|短信|来电|电话|骚扰|订阅)`,
	`不(再)?(接受|接收|参加|参与|做|填)(你们的?|任何|这种|这类|这些|的)*(回访|调查|调研|问卷|营销|推销|广告)`,
	`(请勿|勿)(再)?(打扰|骚扰|回访|来电|致电|联系)`,
	`(别|不要)(再)?(烦|骚扰|打扰|吵)(我|了|人|$)`,
	`免打扰|把我(拉黑|移出|删掉|删除)|从名单(里|中|上)?(删|移)|以后(都)?(别|不要)(再)?(联系|打|发|来)`,
}, "|"))

// notChinese takes away what only looks like a refusal of us: "don't let it happen again",
// cancelling an order or a membership, a parcel turned away, not wanting to unsubscribe.
var notChinese = regexp.MustCompile(strings.Join([]string{
	`(别|不要|不想|勿)(再)?发生|(别|不要)(再)?发(脾气|火|愁|呆|慌|错|货)`,
	`(别|不要|不用)(再)?打(折|包|开|断|算|印|卡|款|水漂|错)`,
	`(不想|不用|不会|不需要|没有?|从未|没想|别|不要|不)(要)?退订`,
	`退订(了|掉)?(的|一下)?(会员|套餐|酒店|机票|车票|火车票|门票|课程|流量包?|保险|自动续费|订单|房间|民宿|视频|业务)`,
	`(会员|套餐|酒店|机票|车票|火车票|门票|课程|流量包?|保险|自动续费|订单|房间|民宿|视频|业务)(怎么|如何|能不能|可以|要|想|的|被|已经?|已)*(退订|取消)`,
	`(快递|包裹|货物?|商家|卖家|买家|外卖|商品|东西)(被|已经?|已|给|要|想|直接|说)*拒收|拒收(了)?(的)?(快递|包裹|货物?|商品|外卖|退货)`,
	`(怎么|为什么|为何|咋|一直)(都|还|就)?(没有?|不)(再)?(给我|跟我)?(发|打|联系|回访)`,
}, "|"))

// phrasesEnglish refuse wherever they stand, in lower case with single spaces.
var phrasesEnglish = regexp.MustCompile(strings.Join([]string{
	`\bunsubsc?\w*|\bunsub\b`,
	`\bopt(ing|ed)? (me )?out\b|\bopt ?out\b`,
	`\bstop (all |the |these |this |your |those |any )?(\w+ )?(texting|calling|messaging|contacting|e ?mailing|bothering|spamming|harassing|sending|texts?|calls|messages|emails|contact|surveys?|spam)\b`,
	`\b(please|just|must|should|to) stop( it| now| this)?$`,
	`\b(dont|do not|never|quit|no longer|not) (ever |you |want you to |wish you to |want to be )?(call|text|contact|message|e ?mail|phone|ring|bother|spam|disturb|calling|texting|contacting|contacted|called|texted|messaging|emailing|bothering)( me| us| this number| again| any ?more|$)`,
	`\bno more (\w+ )?(texts?|calls?|messages?|e ?mails?|surveys?|contact|spam)\b`,
	`\b(remove|take|delete|get) (me|my number|my email|my name|us) (off|from|out)\b`,
	`\b(leave|let) me alone\b|\blose my number\b|\bfuck off\b`,
	`\b(i )?(revoke|withdraw|withdrew|take back) (my |all |any )?consent\b`,
	`\b(dont|do not|no longer) (want|wish)( to (get|receive|have))? (any |more |your |these |such )*(texts?|calls?|messages?|e ?mails?|surveys?|spam)\b`,
}, "|"))

// notEnglish takes away what only looks like one.
var notEnglish = regexp.MustCompile(strings.Join([]string{
	`\b(dont|do not|never|didnt|wont|doesnt|please dont|please do not) (stop|unsubscribe|unsub|opt out|remove me|opt me out)\b`,
	`\b(didnt|did not|havent|have not|never|wasnt|not) (wanted to |want to |meant to |mean to |asked to )?(unsubscribed?|opted out|opt out)\b`,
	`\bunsubs(idi[sz]ed|tantiated|tantial)\w*`,
	`\b(why|how come) (do|did|does|have|has|are|is)? ?(you|they|nobody|no one|i) (not|never|dont) (call|text|contact|message|email)\w*( me| back)?`,
	`\bwhy (dont|didnt|wont|doesnt|havent) (you|they|anyone|anybody|the \w+) (ever )?(call|text|contact|message|email)\w*( me| us)?( back)?`,
	`\b(you|they|nobody|agent|it|he|she) (do not|dont|never|not) (call|text|contact|message|email|ring)\w*( me)?( back)?`,
	`\bstop (payments?|loss|the payment)\b`,
}, "|"))

// simplified maps the traditional characters of our phrases.
var simplified = strings.NewReplacer("訂", "订", "別", "别", "發", "发", "電", "电", "話", "话", "聯", "联", "繫", "系", "係", "系", "擾", "扰",
	"煩", "烦", "騷", "骚", "絕", "绝", "給", "给", "請", "请", "訊", "讯", "訪", "访", "閱", "阅", "還", "还", "來", "来", "撥", "拨", "郵", "邮",
	"廣", "广", "問", "问", "會", "会", "員", "员", "調", "调", "營", "营", "銷", "销", "準", "准", "為", "为", "麼", "么", "簡", "简")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// Refuses says whether a customer's words ask us not to contact them. Where words can be read
// both ways they are taken for a refusal: a contact too few costs less than one against
// somebody's will.
func Refuses(text string) bool {
	text = plain(text)
	if refusesEnglish(text) {
		return true
	}
	compact := strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return c
		}
		return -1
	}, text)
	if compact == "" {
		return false
	}
	if isCommand(compact) && strings.ContainsFunc(compact, unicode.IsLetter) { // 0.00 is an amount
		return true
	}
	// What is taken away leaves a mark, so that its neighbours don't join into something else.
	rest := notChinese.ReplaceAllString(compact, "#")
	return phrasesChinese.MatchString(rest)
}

// plain folds width, case, accents of punctuation and traditional characters, and bounds the length.
func plain(text string) string {
	if letters := []rune(text); len(letters) > 2*readMax {
		text = string(letters[:readMax]) + " " + string(letters[len(letters)-readMax:])
	}
	text = strings.ToLower(norm.NFKC.String(strings.ToValidUTF8(text, " ")))
	text = simplified.Replace(text)
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\'' || c == '’' || c == '`' || unicode.In(c, unicode.Cf): // don’t becomes dont; invisible characters vanish
			return -1
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			return c
		}
		return ' '
	}, text)
}

func refusesEnglish(text string) bool {
	words := strings.Fields(text)
	if len(words) == 0 {
		return false
	}
	// Only fillers and one command, said once or several times: "stop stop please".
	commanded := ""
	for _, w := range words {
		c := squeeze(w)
		switch {
		case fillersEnglish[w]:
		case commands[c] && isASCII(c) && (commanded == "" || commanded == c):
			commanded = c
		default:
			return phrasesEnglish.MatchString(notEnglish.ReplaceAllString(strings.Join(words, " "), " # "))
		}
	}
	return commanded != ""
}

// isCommand says whether nothing but a command and the words around it is left. S-T-O-P and
// 退。订 come here with their separators gone.
func isCommand(compact string) bool {
	for {
		if commands[compact] || commands[squeeze(compact)] {
			return true
		}
		shorter := compact
		for _, f := range fillersChinese {
			shorter = strings.TrimPrefix(shorter, f)
			shorter = strings.TrimSuffix(shorter, f)
		}
		if shorter == compact || shorter == "" {
			return false
		}
		compact = shorter
	}
}

// squeeze takes out repeated letters: stoppp becomes stop. Digits stay.
func squeeze(word string) string {
	var b strings.Builder
	var last rune
	for _, c := range word {
		if c != last || unicode.IsDigit(c) {
			b.WriteRune(c)
		}
		last = c
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
