package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/program/document"
)

// What each figure means, served beside it.
var (
	defineTriggers = Text{
		"触发数:满足计划触发条件的事件。每个都只有一种去向:生成回访单、并入未完结的回访单,或因所列原因未选中。",
		"Triggers are the events that met the program's condition. Each went exactly one way: it started a follow-up, was merged into an open one, or was not selected for the reason shown.",
	}
	defineFollowUps = Text{
		"期初未完结 + 新生成 = 已完结 + 期末未完结。每张回访单只有一个最终状态;结束后才收到的答卷会把最终状态改为已作答。",
		"Open before + started = ended + open. Every follow-up ends in exactly one final state; an answer that comes after the end turns it into answered.",
	}
	defineStage = Text{
		"按触达尝试计:计划发出 = 发出前拦下 + 被拒 + 服务商已接收 + 结果未定。送达、已查看以服务商回执为准;已作答按回访单计,归到带来答卷的那一步。",
		"Attempts: intended = withheld at the last look + rejected + taken + unsettled. Delivered and seen are what the provider reported; answered counts follow-ups, under the step whose message brought the answer.",
	}
	defineResponse = Text{
		"参评率:有效作答的回访单(已作答减去疑似敷衍的答卷)÷ 送达的邀请(渠道没有送达回执的,按服务商已接收的邀请计)。区间为 95% Wilson 区间。",
		"Response rate: follow-ups answered, less those whose answer looks as if it wasn't meant / invitations delivered, or taken by the provider where a channel reports no deliveries. The interval is Wilson's, 95 %.",
	}
	defineMean = Text{
		"平均分:有效评分的算术平均,区间为 95% t 区间,只反映作答客户。",
		"Mean of the valid scores with Student's 95 % interval. It speaks for those who answered.",
	}
	defineSatisfied = Text{
		"满意率:评 4 分或 5 分的占有效评分的比例,区间为 95% Wilson 区间。",
		"Satisfied share: scores of 4 or 5 out of all valid scores, with Wilson's 95 % interval.",
	}
	defineNetPromoter = Text{
		"净推荐值:推荐者(9-10 分)占比减去贬损者(0-6 分)占比,单位为百分点,区间为 95% 修正 Wald 区间。",
		"Net promoter score: the share of promoters (9-10) less that of detractors (0-6), in points of 100, with the adjusted Wald 95 % interval.",
	}
	defineEffect = Text{
		"效果:各组客户在规定时间内发生衡量事件的比例之差(Newcombe 95% 区间)。分到哪组就算哪组,不论是否联系上;每位客户只按第一次触发计一次。每组至少 30 人、两组合计至少 5 次事件才下结论。区间按只看一次计算,天天看、看到显著就停,会高估效果。",
		"Effect: the difference between the arms' shares of customers who had the measured event in time, with Newcombe's 95 % interval. Customers count in the arm they were assigned to, reached or not, once each, from their first trigger. Nothing is said before each arm has 30 customers and both together 5 events. The interval holds for one look: whoever looks daily and stops when it shows something will overrate the effect.",
	}
	defineSizes = Text{
		"分组人数检查:实际人数与设定比例的卡方检验,p 低于 0.001 表示有客户漏计或重复,比较结果不可信。",
		"Sample-ratio check: a chi-square test of the arms' sizes against the shares they were meant to have; p below 0.001 says that customers went missing or came twice, and the comparison isn't to be trusted.",
	}
)

// noteAlike says why a mean has no interval.
var noteAlike = Text{
	"评分少于两个或完全相同,无法估计区间。",
	"Fewer than two scores, or all the same: how they vary can't be told.",
}

// noteMore says why a share has no interval.
var noteMore = Text{
	"所选日期内的答卷多于邀请(邀请发出在先),请拉长统计区间。",
	"More answers than invitations fall on these days, since invitations went out before them; choose a longer period.",
}

// sentence gives a code in both languages.
func sentence(r codes.Reason) Text {
	return Text{r.Sentence(codes.Chinese), r.Sentence(codes.English)}
}

// words gives a document's text in both languages, each falling back to the other.
func words(t document.Text) Text {
	text := Text{t[document.ZhCN], t[document.En]}
	if text.Chinese == "" {
		text.Chinese = text.English
	}
	if text.English == "" {
		text.English = text.Chinese
	}
	return text
}

// both writes one sentence in both languages from the same figures.
func both(chinese, english string, figures ...any) Text {
	return Text{fmt.Sprintf(chinese, figures...), fmt.Sprintf(english, figures...)}
}

// and puts sentences behind each other.
func (t Text) and(more Text) Text {
	if t.English == "" {
		return more
	}
	if more.English == "" {
		return t
	}
	return Text{t.Chinese + more.Chinese, t.English + " " + more.English}
}

// join puts words behind each other as they stand.
func (t Text) join(more Text) Text { return Text{t.Chinese + more.Chinese, t.English + more.English} }

// percent writes a share of 1 as a percentage: small ones with a digit more.
func percent(share float64) string { return points(share) + "%" }

// points writes a share of 1 as percentage points.
func points(share float64) string {
	digits := 1
	if math.Abs(share) < 0.0995 {
		digits = 2
	}
	return strconv.FormatFloat(100*share, 'f', digits, 64)
}

// signed writes a difference of shares as percentage points with their sign.
func signed(share float64) string {
	s := strconv.FormatFloat(100*share, 'f', 2, 64)
	if digits, negative := strings.CutPrefix(s, "-"); negative {
		return "−" + digits
	}
	return "+" + s
}

// grouped writes a count with commas at the thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
