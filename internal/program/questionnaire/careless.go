package questionnaire

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

// What nobody can read and answer in less. It is a floor, not a norm: someone quick is far above it.
const (
	questionFloor  = 600 * time.Millisecond // to see a question and tap
	hanCharFloor   = 40 * time.Millisecond  // 25 characters a second
	otherCharFloor = 12 * time.Millisecond  // some 1,000 words a minute

	timedMin    = 3 // questions answered before a pace can be judged
	straightMin = 3 // questions on a scale before a straight line can be seen
)

// Careless names what makes an answer look as if it wasn't meant, in a fixed order; nil: nothing does.
// at says when each question was answered, by whoever answered one question after another; nil: they
// came all at once, and nothing can be said of the pace. It is a doubt, not a verdict: the answer stands.
func (q *Questionnaire) Careless(said map[string]Reply, at map[string]time.Time, language string) []codes.Reason {
	var doubts []codes.Reason
	for _, d := range []struct {
		reason codes.Reason
		holds  bool
	}{
		{codes.TooFast, q.tooFast(said, at, language)},
		{codes.StraightLining, q.straight(said)},
		{codes.Contradiction, q.contradicts(said)},
		{codes.Gibberish, q.gibberish(said)},
	} {
		if d.holds {
			doubts = append(doubts, d.reason)
		}
	}
	return doubts
}

// tooFast compares the time from the first answer to the last with what reading the questions
// between takes. The first question's own time isn't known: opening a page leaves no trace.
func (q *Questionnaire) tooFast(said map[string]Reply, at map[string]time.Time, language string) bool {
	var first, last time.Time
	var opening string
	n := 0
	for i := range q.Questions {
		id := q.Questions[i].ID
		t, timed := at[id]
		if _, answered := said[id]; !answered || !timed {
			continue
		}
		if n++; n == 1 || t.Before(first) {
			first, opening = t, id
		}
		if t.After(last) {
			last = t
		}
	}
	if n < timedMin {
		return false
	}
	var floor time.Duration
	for i := range q.Questions {
		question := &q.Questions[i]
		if _, answered := said[question.ID]; answered && question.ID != opening {
			floor += questionFloor + readingFloor(question.Ask.In(language))
		}
	}
	return last.Sub(first) < floor
}

func readingFloor(text string) time.Duration {
	var floor time.Duration
	for _, c := range text {
		if han(c) {
			floor += hanCharFloor
		} else {
			floor += otherCharFloor
		}
	}
	return floor
}

// straight says whether all questions on a scale got one and the same number, by someone who
// tapped no reason and wrote nothing: whoever explains has read.
func (q *Questionnaire) straight(said map[string]Reply) bool {
	n := 0
	var value int64
	for i := range q.Questions {
		r, answered := said[q.Questions[i].ID]
		if !answered {
			continue
		}
		if _, wrote := r.Given.(string); wrote && q.Questions[i].Type == FreeText || len(r.Tags) > 0 || r.Other != "" {
			return false
		}
		given, scaled := r.Given.(int64)
		switch {
		case !scaled:
		case n > 0 && given != value:
			return false
		default:
			n, value = n+1, given
		}
	}
	return n >= straightMin
}

// contradicts says whether the best score of a rating comes with a reason that the questionnaire
// offers beside its low scores as well.
func (q *Questionnaire) contradicts(said map[string]Reply) bool {
	for i := range q.Questions {
		question := &q.Questions[i]
		r := said[question.ID]
		if given, scaled := r.Given.(int64); !scaled || given != question.Max {
			continue
		}
		for _, key := range r.Tags {
			if question.complaint(key) {
				return true
			}
		}
	}
	return false
}

// complaint says whether a reason is offered, in the same words, beside scores of the lower half alone.
func (q *Question) complaint(key string) bool {
	for _, language := range sortedLanguages(q.Tags) {
		word := q.TagWords(key, language)
		low, middle := false, false
		for _, t := range q.Tags {
			if !slices.Contains(t.Words[language], word) || slices.Contains(t.Keys, key) {
				continue
			}
			low = low || 2*t.To < q.Min+q.Max
			middle = middle || 2*t.To >= q.Min+q.Max
		}
		if low && !middle {
			return true
		}
	}
	return false
}

func sortedLanguages(tags []Tags) []string {
	var list []string
	for _, t := range tags {
		for l := range t.Words {
			if !slices.Contains(list, l) {
				list = append(list, l)
			}
		}
	}
	slices.Sort(list)
	return list
}

func (q *Questionnaire) gibberish(said map[string]Reply) bool {
	for i := range q.Questions {
		r := said[q.Questions[i].ID]
		if text, wrote := r.Given.(string); wrote && q.Questions[i].Type == FreeText && Gibberish(text) || Gibberish(r.Other) {
			return true
		}
	}
	return false
}

// Bounds of the look at a text.
const (
	gibberishCharsMax = 400 // looked at
	sameCharsMin      = 5   // of one letter again and again
	unitCharsMax      = 4   // of a group of letters again and again
	unitTimesMin      = 4
	rowCharsMin       = 5  // of a run along the keyboard
	mashCharsMin      = 7  // of a word without a vowel
	hanCharsMin       = 10 // before characters that never stand in ordinary sentences tell something
)

var (
	rows = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz"}

	// laughter and praise come in long rows
	joyful = "6哈好赞棒顶呵嘿8耶爱嘻啊哇呜嗯哦唉呃谢a"
	laughs = []string{"ha", "he", "hi", "ah", "lol", "xd", "呵呵", "哈哈", "233", "么么"}

	// letters that hardly any ten characters of Chinese do without
	everyday = "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔快吃店送差味服房酒房间宿慢等钱退款卡付垃圾假货骗"
)

func han(c rune) bool { return c >= 0x4e00 && c <= 0x9fff }

// Gibberish says whether a text looks typed without a thought: one letter over and over, a run
// along the keyboard, words nobody could speak. It is careful: what could be a word in any
// language, an exclamation or a laugh passes.
func Gibberish(text string) bool {
	letters := make([]rune, 0, gibberishCharsMax)
	spaced := false
	for _, c := range strings.ToLower(text) {
		if len(letters) == gibberishCharsMax {
			break
		}
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', han(c):
			letters = append(letters, c)
		case c == ' ' || c == '\n':
			spaced = spaced || len(letters) > 0
		case c >= 0x80:
			return false // letters of another script, or pictures: not ours to judge
		}
	}
	return oneLetter(letters) || !spaced && again(letters) || alongTheKeys(letters) || unspeakable(text) || notChinese(letters)
}

func oneLetter(letters []rune) bool {
	return len(letters) >= sameCharsMin && !strings.ContainsRune(joyful, letters[0]) && !strings.ContainsRune(everyday, letters[0]) &&
		!slices.ContainsFunc(letters, func(c rune) bool { return c != letters[0] })
}

// again says whether a text is one short group over and over.
func again(letters []rune) bool {
	for size := 2; size <= unitCharsMax; size++ {
		if len(letters) < size*unitTimesMin {
			break
		}
		if unit := string(letters[:size]); slices.Contains(laughs, unit) || strings.ContainsAny(unit, everyday) { // said with emphasis
			continue
		}
		whole := true
		for i := size; i < len(letters) && whole; i++ {
			whole = letters[i] == letters[i-size]
		}
		if whole && letters[0] != letters[1] {
			return true
		}
	}
	return false
}

// alongTheKeys says whether most of a text runs along a row of keys, there or back.
func alongTheKeys(letters []rune) bool {
	on := 0
	for i := 0; i < len(letters); {
		n := runLength(letters[i:])
		if n >= rowCharsMin {
			on += n
		}
		i += n
	}
	return 5*on >= 4*len(letters) && on > 0
}

// runLength is how many letters from the first on lie side by side in a row of keys; 1 at least.
func runLength(letters []rune) int {
	best := 1
	for _, row := range rows {
		for _, step := range []int{1, -1} {
			n := 1
			for n < len(letters) {
				at := strings.IndexRune(row, letters[n-1])
				if at < 0 || at+step < 0 || at+step >= len(row) || rune(row[at+step]) != letters[n] {
					break
				}
				n++
			}
			best = max(best, n)
		}
	}
	return best
}

// unspeakable says whether half of the words at least have many letters and no vowel.
func unspeakable(text string) bool {
	words, mashed := 0, 0
	for i, w := range strings.Fields(strings.ToLower(text)) {
		if i == gibberishCharsMax {
			break
		}
		words++
		var distinct []rune
		for _, c := range w {
			if c < 'a' || c > 'z' || strings.ContainsRune("aeiouy", c) {
				distinct = nil
				break
			}
			if n := len(distinct); n == 0 || distinct[n-1] != c { // "hmmmmm" is a word
				distinct = append(distinct, c)
			}
		}
		if len(distinct) >= mashCharsMin {
			mashed++
		}
	}
	return mashed > 0 && 2*mashed >= words
}

// notChinese says whether a text in Chinese characters has none that Chinese hardly does without.
func notChinese(letters []rune) bool {
	n := 0
	for _, c := range letters {
		if !han(c) {
			continue
		}
		if strings.ContainsRune(everyday, c) || strings.ContainsRune(joyful, c) {
			return false
		}
		n++
	}
	return n >= hanCharsMin && n == utf8.RuneCountInString(string(letters))
}
