package consent

import (
	"regexp"
	"slices"
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

// alone are the commands that refuse as a clause of their own too; stops end a clause.
var alone = set(`stop stopal unsubscribe unsub optout 退订 拒收 勿扰 别发 别打 停止发送`)

const stops = ",，.。!！?？;；\n…~～"

// fillers may stand around a command: please, thanks, "reply".
var (
	fillersEnglish = set(`please pls plz thanks thank you thx now just ok okay immediately already i said reply all it this me sir hi hello dear`)
	fillersChinese = []string{"回复", "回", "请", "麻烦", "谢谢", "你好", "您好", "我要", "我想", "我", "马上", "立即", "立刻", "都", "吧", "了", "啊", "呀", "啦", "谢", "给我", "帮我", "您", "你们", "你", "短信", "信息"}
)

// What a refusal is made of, in Chinese: a no, whom it spares, what we do to them, and by which means.
const (
	no      = `(?:别|不要|不用|不必|不需要|不想|不愿意?|不希望|不准|不许|不允许|不同意|不接受|不再|无需|勿|莫|停止|终止|禁止|拒绝|谢绝|取消|关闭|关掉|关了|少)`
	still   = `(?:再|继续|老|总|一直|天天|老是|总是|乱|随便|来|去)*`
	you     = `(?:你们?|您|贵司|客服)?`
	toMe    = `(?:(?:给|向|往|跟|对|找|让)?(?:我|本人|我们|家人|这个?号码?)(?:的)?)?`
	which   = `(?:任何|你们|贵司|这种|这类|这些|此类|那些|相关|所有|一切|类似|点|些|个|的)*`
	means   = `(?:短信|短讯|信息|简讯|讯息|消息|邮件|电邮|电话|手机|来电|通知|提醒|提示|推送|推销|营销|广告|问卷|调查|调研|回访|访问|骚扰|订阅)`
	sends   = `(?:发|发送|群发|推|推送|传|寄|打|拨|拨打|来|来电|致电|回拨|回)`
	meets   = `(?:联系|联络|骚扰|打扰|烦|吵|回访|来电|致电|通知|提醒|打搅|推送|推销|调查|问|追问|回电|回拨)`
	gets    = `(?:收到|收|接到|接|接收|接受|接听|看到|参加|参与|做|填|填写|回答)`
	numbers = `(?:号码?|手机号码?|电话号码?|联系方式|邮箱|邮件地址|资料里的电话)`
)

// phrasesChinese refuse wherever they stand in a clause. They are matched without spaces and punctuation.
var phrasesChinese = regexp.MustCompile(strings.Join([]string{
	`退订|退定短信|拒收|取消订阅|免打扰`,
	no + you + still + toMe + still + sends + `(?:送|过来|来|给我|到我)?` + toMe + `(?:了?` + which + means + `|了|这个号|$)`,
	no + you + still + toMe + still + meets + `(?:我|了|本人|人|一下|$)`,
	no + you + still + toMe + still + gets + `?(?:了)?` + which + means,
	no + `再?(?:接收|接听|收到|来电)(?:了|$)`,
	`不再?(?:接受|接收|接听|收|参加|参与|做|填|要)` + which + `(?:回访|调查|调研|问卷|营销|推销|广告|推送)`,
	`再(?:给我|跟我|向我)?(?:打|发|推|来|联系|骚扰|烦)[^#]{0,8}(?:就|要|会|直接|马上|一定)(?:去|向)?(?:投诉|举报|报警|告|起诉|拉黑)`,
	`(?:请|麻烦|帮我|给我|把|能不能|能否|可以|都)(?:把|将)?` + which + `(?:短信|短讯|消息|推送|通知|邮件|回访|问卷|广告|提醒|来电)(?:都|全|给我|就)*(?:停|关|撤|断|免|取消)(?:了|掉|$)`,
	`(?:停掉|停了|断掉|屏蔽)` + which + `(?:短信|短讯|消息|推送|通知|邮件|回访|问卷|广告|提醒|来电)`,
	`(?:撤回|撤销|收回)[^#]{0,6}(?:同意|许可)|取消[^#]{0,4}同意`,
	`(?:把|将)(?:我|本人)(?:的)?(?:` + numbers + `)?(?:都|给|全|从[^#]{0,8})?(?:拉黑|移出|移除|剔除|删掉|删除)|(?:我|号码|发送|短信|你们)[^#]{0,8}(?:名单|列表|通讯录)(?:里|中|上|内)*(?:删|移|去掉|剔)|(?:移出|退出)[^#]{0,8}(?:名单|列表)`,
	`(?:删除|删掉|移除|注销)(?:我|本人)的` + numbers,
	`(?:删除|删掉|移除|屏蔽)(?:这个|本|此)` + numbers,
}, "|"))

// notChinese takes away what only looks like a refusal of us: "don't let it happen again",
// cancelling an order or a membership, a parcel turned away, not wanting to unsubscribe.
var notChinese = regexp.MustCompile(strings.Join([]string{
	`(特|分|识|级|性|类|个|差|区|告|辨|鉴)别|别(的|人|家|处|墅|致|扭)|(再也|永远?)?不(想|再|会)(再)?来了?$`,
	`(多|不|至|最|很|减|较|缺|太)少|(不用|不必)(再)?(多)?问|(不用|不要|不需要)手机`,
	`(别|不要|不想|勿)(再)?发生|(别|不要)(再)?发(脾气|火|愁|呆|慌|错|货)`,
	`(别|不要|不用)(再)?打(折|包|开|断|算|印|卡|款|水漂|错)`,
	`(不想|不用|不会|不需要|没有?|从未|没想|别|不要|不)(要)?退订`,
	`退订(了|掉)?(的|一下)?(会员|套餐|酒店|机票|车票|火车票|门票|课程|流量包?|保险|自动续费|订单|房间|民宿|视频|业务)`,
	`(会员|套餐|酒店|机票|车票|火车票|门票|课程|流量包?|保险|自动续费|订单|房间|民宿|视频|业务)(怎么|如何|能不能|可以|要|想|的|被|已经?|已)*(退订|取消)`,
	`(快递|包裹|货物?|商家|卖家|买家|外卖|商品|东西|对方|银行|朋友|店家|商户|他|她|别人|收款人)(们)?(被|已经?|已|给|要|想|直接|说|把[^#]{0,6})*(拒收|拒绝接收)`,
	`(被|遭)拒收|拒收(了)?(我)?(的)?(快递|包裹|货物?|商品|外卖|退货|红包|转账|付款|款|钱)`,
	`(怎么|为什么|为何|咋|一直)(都|还|就)?(没有?|不)(再)?(给我|跟我)?(发|打|联系|回访)`,
}, "|"))

// The same in English: to end, us reaching them, and by which means.
const (
	ends    = `(?:stop|stops|quit|cease|halt|discontinue)`
	dont    = `(?:dont|do not|never|no longer|need not|neednt|no need to|dont need to|dont have to|do not need to|do not have to|please not|didnt want you to)`
	those   = `(?:all|any|more|the|these|this|your|those|such|further|other|with|of|it|from|future|marketing|promotional|automated|of your)`
	reach   = `(?:call|text|contact|message|msg|e ?mail|mail|phone|ring|bother|spam|disturb|survey|pester|harass|bug|notify|remind|ping|annoy|reach|approach|ask|txt|write|write to|reach out to)`
	reached = `(?:calling|texting|contacting|messaging|e ?mailing|mailing|phoning|ringing|bothering|spamming|harassing|pestering|bugging|surveying|notifying|reminding|asking|pinging|annoying|txting|writing to|called|texted|contacted|messaged|emailed|phoned|surveyed|disturbed|bothered)`
	things  = `(?:texts?|sms|calls?|messages?|msgs?|e ?mails?|surveys?|questionnaires?|polls?|spam|contact|notifications?|alerts?|reminders?|communications?|marketing|ads?|adverts?|promotions?|promos?|newsletters?)`
)

// phrasesEnglish refuse wherever they stand, in lower case with single spaces.
var phrasesEnglish = regexp.MustCompile(strings.Join([]string{
	`\bunsubsc?\w*|\bunsub\b`,
	`\bopt(ing|ed)? (me )?out\b|\bopt ?out\b`,
	`\b` + ends + ` (` + those + ` )*(\w+ ){0,2}` + reached + `( me| us| my| this| these| again| here| every\w*| so| now| people|$)`,
	`\b` + ends + ` (\w+ )?sending( me| us| it| them| out| to me| so many)*( (` + those + ` )*(\w+ ){0,2}` + things + `|$)`,
	`\b` + ends + ` (` + those + ` )*(\w+ )?` + things + `\b`,
	`\b(please|just|must|should|to) ` + ends + `( it| now| this)?$`,
	`\benough (` + those + ` )*(\w+ )?(` + things + `|` + reached + `)\b`,
	`\b` + dont + ` (ever |you |want you to |wish you to |want to be |wish to be |like to be |want |like being )?(` + reach + `|` + reached + `)( me| us| this number| again| any ?more|$)`,
	`\b(no|without|zero) (more|further|additional) (\w+ )?` + things + `\b`,
	`\b(remove|take|delete|erase|drop|strike|get|wipe) (me|us|my (phone |mobile |cell )?(number|no|e ?mail|name|contact|contacts|details|address)) (off|from|out)\b`,
	`\b(remove|delete|erase|wipe) my (phone |mobile |cell )?number$`,
	`\b(leave|let) (me|us) (alone|be)\b|\blose my number\b|\bfuck off\b|^(please )?do not disturb( me)?$`,
	`\b(revoke|withdraw|withdrew|take back|rescind) (my |all |any |the )?(consent|permission|agreement)\b`,
	`\b(dont|do not|no longer) (want|wish|need|care)( to| for)?( get| receive| have| see| hear)? (` + those + ` )*` + things + `\b`,
	`\b(turn|switch|shut) off (` + those + ` )*` + things + `\b`,
	`\b` + dont + ` (want you to )?send (me |us |out |to me )?(` + those + ` )*` + things + `\b`,
	`\b` + dont + ` (want you to )?(use|keep|store) my (phone |mobile )?(number|e ?mail)\b`,
	`\b(rather|prefer) not (to )?(get|receive|have|be)\b( (` + those + ` )*` + things + `| (` + reached + `))`,
	`\b(not|never|didnt|dont|do not) (agree|agreed|consent|consented|sign up|signed up|ask|asked) (to|for) (` + those + ` )*(getting |receiving |being )?(` + things + `|` + reached + `)\b`,
	`\b(block|exclude|drop) me from\b|^(please |kindly )?(cancel|end) (` + those + ` )*` + things + `\b`,
	`\bdont (want to )?(hear|be hearing) from (you|this)\b|\bnot (want|wish) to hear from\b`,
}, "|"))

// notEnglish takes away what only looks like one.
var notEnglish = regexp.MustCompile(strings.Join([]string{
	`\b(dont|do not|never|didnt|wont|doesnt|please dont|please do not) (stop|unsubscribe|unsub|opt out|remove me|opt me out)\b`,
	`\b(didnt|did not|havent|have not|never|wasnt|not) (wanted to |want to |meant to |mean to |asked to )?(unsubscribed?|opted out|opt out)\b`,
	`\bunsubs(idi[sz]ed|tantiated|tantial)\w*`,
	`\b(unsub\w*|opt(ed)? out)( me)? (from|of) (\w+ ){0,4}(service|subscription|membership|plan|merchant|channel|program|trial|insurance|autopay|auto pay|premium)\b`,
	`\b(why|how come) (do|did|does|have|has|are|is)? ?(you|they|nobody|no one|i) (not|never|dont) (call|text|contact|message|email)\w*( me| back)?`,
	`\bwhy (dont|didnt|wont|doesnt|havent) (you|they|anyone|anybody|the \w+) (ever )?(call|text|contact|message|email)\w*( me| us)?( back)?`,
	`\b(you|they|nobody|agent|it|he|she) (do not|dont|never|not) (call|text|contact|message|email|ring)\w*( me)?( back)?`,
	`\b(discontinue|stop|end|cut) (our|my|the) call\b`,
	`\bstop (payments?|loss|the payment)\b`,
}, "|"))

// simplified maps the traditional characters of our phrases.
var simplified = strings.NewReplacer("訂", "订", "別", "别", "發", "发", "電", "电", "話", "话", "聯", "联", "繫", "系", "係", "系", "擾", "扰",
	"煩", "烦", "騷", "骚", "絕", "绝", "給", "给", "請", "请", "訊", "讯", "訪", "访", "閱", "阅", "還", "还", "來", "来", "撥", "拨", "郵", "邮",
	"廣", "广", "問", "问", "會", "会", "員", "员", "調", "调", "營", "营", "銷", "销", "準", "准", "為", "为", "麼", "么", "簡", "简",
	"傳", "传", "斷", "断", "關", "关", "閉", "闭", "號", "号", "碼", "码", "刪", "删", "單", "单", "參", "参", "這", "这", "個", "个", "們", "们", "總", "总", "嚟", "来",
	"撤銷", "撤销", "換", "换", "認", "认", "識", "识", "錯", "错", "唔好", "不要", "唔使", "不用", "唔要", "不要", "咪再", "别再")

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
	text = bounded(text)
	if refusesWhole(plain(text)) {
		return true
	}
	clauses := strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(stops, c) })
	if len(clauses) < 2 {
		return false
	}
	for i, clause := range clauses {
		outer := i == 0 || i == len(clauses)-1 // "start, stop or edit" is a list
		if clause = plain(clause); outer && refusesAlone(clause) || phrasesChinese.MatchString(withoutLookalikes(compacted(clause))) {
			return true
		}
	}
	return false
}

// refusesWhole reads a text as one.
func refusesWhole(text string) bool {
	if refusesEnglish(text) {
		return true
	}
	compact := compacted(text)
	if compact == "" {
		return false
	}
	if isCommand(compact) && strings.ContainsFunc(compact, unicode.IsLetter) { // 0.00 is an amount
		return true
	}
	return !isASCII(compact) && phrasesChinese.MatchString(withoutLookalikes(compact))
}

// refusesAlone says whether a clause is a command that needs no more: "not interested, stop".
// The others may belong to the rest: "cancel, I ordered twice".
func refusesAlone(clause string) bool {
	words := slices.DeleteFunc(strings.Fields(clause), func(w string) bool { return fillersEnglish[w] || w == "them" || w == "these" })
	return len(words) == 1 && alone[squeeze(words[0])]
}

func compacted(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return c
		}
		return -1
	}, text)
}

// withoutLookalikes takes out what only looks like a refusal and leaves a mark, so that its
// neighbours don't join into something else.
func withoutLookalikes(compact string) string {
	return notChinese.ReplaceAllString(compact, "#")
}

// bounded keeps the beginning and the end of a text.
func bounded(text string) string {
	if letters := []rune(text); len(letters) > 2*readMax {
		return string(letters[:readMax]) + " " + string(letters[len(letters)-readMax:])
	}
	return text
}

// plain folds width, case, accents of punctuation and traditional characters.
func plain(text string) string {
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
