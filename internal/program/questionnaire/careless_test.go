package questionnaire

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/program/document"
)

// four asks three questions on a scale and for a text.
func four(t testing.TB) *Questionnaire {
	t.Helper()
	same := Words{document.En: {"Too slow", "Rude"}}
	q, err := Compile("four", &Definition{Languages: []string{document.En}, Questions: []QuestionDefinition{
		{
			ID: "a", Type: Rating, Ask: document.Text{document.En: "How satisfied are you with how we handled it?"},
			Tags: map[string]Words{"1-2": same, "5": {document.En: {"Too slow", "Quick"}}},
		},
		{ID: "b", Type: CES, Ask: document.Text{document.En: "How easy was it?"}},
		{ID: "c", Type: NPS, Ask: document.Text{document.En: "Would you recommend us?"}},
		{ID: "d", Type: FreeText, Ask: document.Text{document.En: "Why?"}},
	}}, newEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestAnswersThatLookAsIfTheyWerentMeantAreDoubted(t *testing.T) {
	q := four(t)
	three := func(a, b, c int64) map[string]Reply {
		return map[string]Reply{"a": {Given: a}, "b": {Given: b}, "c": {Given: c}}
	}
	with := func(said map[string]Reply, id string, r Reply) map[string]Reply { said[id] = r; return said }
	every := func(gap time.Duration, ids ...string) map[string]time.Time {
		at := map[string]time.Time{}
		for i, id := range ids {
			at[id] = time.Unix(1_700_000_000, 0).Add(time.Duration(i) * gap)
		}
		return at
	}
	for name, c := range map[string]struct {
		said map[string]Reply
		at   map[string]time.Time
		want []codes.Reason
	}{
		"an ordinary answer":                           {three(4, 6, 9), every(4*time.Second, "a", "b", "c"), nil},
		"a quick reader":                               {three(4, 6, 9), every(1200*time.Millisecond, "a", "b", "c"), nil},
		"faster than anyone reads":                     {three(4, 6, 9), every(400*time.Millisecond, "a", "b", "c"), []codes.Reason{codes.TooFast}},
		"faster, the last question first":              {three(4, 6, 9), every(400*time.Millisecond, "c", "b", "a"), []codes.Reason{codes.TooFast}},
		"two questions say nothing of a pace":          {map[string]Reply{"a": {Given: int64(4)}, "b": {Given: int64(6)}}, every(0, "a", "b"), nil},
		"sent all at once by an app":                   {three(4, 6, 9), nil, nil},
		"the same number throughout":                   {three(5, 5, 5), nil, []codes.Reason{codes.StraightLining}},
		"the best throughout, on scales of their own":  {three(5, 7, 10), nil, nil},
		"the same number, but with a reason":           {with(three(5, 5, 5), "a", Reply{Given: int64(5), Tags: []string{"5.2"}}), nil, nil},
		"the same number, but in words":                {with(three(5, 5, 5), "d", Reply{Given: "quick and kind"}), nil, nil},
		"two of the same":                              {map[string]Reply{"a": {Given: int64(5)}, "b": {Given: int64(5)}}, nil, nil},
		"the best score with a complaint":              {with(three(5, 6, 9), "a", Reply{Given: int64(5), Tags: []string{"5.1"}}), nil, []codes.Reason{codes.Contradiction}},
		"the best score with praise":                   {with(three(5, 6, 9), "a", Reply{Given: int64(5), Tags: []string{"5.2"}}), nil, nil},
		"a low score with a complaint":                 {with(three(1, 2, 3), "a", Reply{Given: int64(1), Tags: []string{"1-2.1"}}), nil, nil},
		"a text typed at random":                       {with(three(1, 2, 3), "d", Reply{Given: "asdfgh"}), nil, []codes.Reason{codes.Gibberish}},
		"fast, straight and random":                    {with(three(3, 3, 3), "d", Reply{Given: "sdkfjhskdf"}), every(10*time.Millisecond, "a", "b", "c", "d"), []codes.Reason{codes.TooFast, codes.Gibberish}},
		"nothing at all":                               {nil, nil, nil},
		"a clock that stepped back":                    {three(4, 6, 9), every(-time.Second, "a", "b", "c"), nil},
		"times of questions whose answers were hidden": {map[string]Reply{"a": {Given: int64(4)}}, every(0, "a", "b", "c"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := q.Careless(c.said, c.at, document.En); !slices.Equal(got, c.want) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestWhatIsTypedAtRandomIsToldFromWords(t *testing.T) {
	for _, text := range []string{
		"asdfgh", "qwertyuiop", "asdfasdfasdfasdf", "jkl;jkl;jkl;jkl;", "12345678", "zzzzz", "sdkfjhskdf", "lkjhgfdsa",
		"xcvbnm xcvbnm", "BCDFGHJKL", "擦擦擦擦擦", "恍惚恍惚恍惚恍惚", "灬氵扌忄钅饣纟冖彳亠", "1111111",
	} {
		if !Gibberish(text) {
			t.Errorf("%q passes", text)
		}
	}
	for _, text := range []string{
		"", "ok", "good", "很好", "不错不错不错不错不错", "垃圾垃圾垃圾垃圾", "哈哈哈哈哈", "hahahahaha", "666666", "very very very very good", "hmmmmmmm",
		"👍👍👍👍👍", "......", "?????", "退款太慢", "bahut accha app hai", "thnx", "plzzzzzz", "pls refund my money asap", "http://x", "SMS OTP KYC PIN UPI", "12", "2023-11-02",
		"बहुत अच्छा", "очень хорошо", "rhythms", "thanksss", "goooooood", "wallet.payment", "第3次了", "客服态度差", "tsk tsk tsk tsk", "strengths",
	} {
		if Gibberish(text) {
			t.Errorf("%q is taken for random", text)
		}
	}
}

// lossless says whether a text comes back from capitals as it was: ß, for one, becomes SS.
func lossless(s string) bool {
	lower := strings.ToLower(s)
	return strings.ToLower(strings.ToUpper(lower)) == lower
}

func FuzzGibberish(f *testing.F) {
	for _, s := range []string{"", "asdf", "很好很好", "\xff\xfe", strings.Repeat("ab", 900)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if Gibberish(s) != Gibberish(strings.ToUpper(strings.ToLower(s))) && lossless(s) {
			t.Errorf("%q is judged by its capitals", s)
		}
	})
}
