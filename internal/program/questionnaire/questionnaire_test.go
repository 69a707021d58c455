package questionnaire

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
)

func newEnv(t testing.TB) *condition.Env {
	t.Helper()
	catalogue, err := event.NewCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	env, err := condition.NewEnv(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func both(zh, en string) document.Text { return document.Text{document.ZhCN: zh, document.En: en} }

// refunds asks about a refund, with every type of question.
func refunds() *Definition {
	return &Definition{
		Languages: []string{"zh-CN", "en"},
		Questions: []QuestionDefinition{
			{
				ID: "satisfaction", Type: Rating, Score: true, Required: true, Ask: both("满意吗?", "Satisfied?"),
				Labels: map[string][]string{"zh-CN": {"差", "较差", "一般", "好", "很好"}, "en": {"1", "2", "3", "4", "5"}},
				Tags:   map[string]Words{"1-3": {"zh-CN": {"太慢", "太复杂"}, "en": {"Too slow", "Too complicated"}}, "5": {"zh-CN": {"快"}, "en": {"Quick"}}},
			},
			{ID: "better", Type: FreeText, Ask: both("哪里不好?", "What was wrong?"), ShowIf: "satisfaction <= 3", MaxChars: 20},
			{ID: "arrived", Type: YesNo, Ask: both("到账了吗?", "Has it arrived?")},
			{
				ID: "why", Type: Multiple, Ask: both("为什么?", "Why?"), ShowIf: "!arrived",
				Options: []Option{{Value: "bank", Text: both("银行", "Bank")}, {Value: "us", Text: both("我们", "Us")}, {Value: "other", Text: both("其他", "Other")}},
			},
			{
				ID: "whose", Type: Single, Ask: both("谁的?", "Whose?"), ShowIf: `"other" in why`,
				Options: []Option{{Value: "mine", Text: both("我", "Mine")}, {Value: "theirs", Text: both("他们", "Theirs")}},
			},
			{ID: "easy", Type: CES, Ask: both("容易吗?", "Easy?")},
			{ID: "recommend", Type: NPS, Ask: both("会推荐吗?", "Recommend us?"), Labels: map[string][]string{"zh-CN": {"不会", "会"}, "en": {"No", "Yes"}}},
		},
		Thanks: both("谢谢,热线 {{ hotline }}", "Thanks, call {{ hotline }}"),
	}
}

func compiled(t testing.TB) *Questionnaire {
	t.Helper()
	q, err := Compile("refunds", refunds(), newEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestQuestionsFollowFromWhatWasSaidBefore(t *testing.T) {
	q := compiled(t)
	for name, c := range map[string]struct {
		answers map[string]any
		want    string
	}{
		"nothing said yet":                       {nil, "satisfaction arrived easy recommend"},
		"a low score asks for more":              {map[string]any{"satisfaction": int64(2)}, "satisfaction better arrived easy recommend"},
		"a high score doesn't":                   {map[string]any{"satisfaction": int64(5)}, "satisfaction arrived easy recommend"},
		"not arrived":                            {map[string]any{"arrived": false}, "satisfaction arrived why easy recommend"},
		"not arrived, for another reason":        {map[string]any{"arrived": false, "why": []string{"bank", "other"}}, "satisfaction arrived why whose easy recommend"},
		"an answer to a hidden question is none": {map[string]any{"arrived": true, "why": []string{"other"}}, "satisfaction arrived easy recommend"},
		"an answer of the wrong type shows none": {map[string]any{"satisfaction": "low"}, "satisfaction arrived easy recommend"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(q.Visible(c.answers), " "); got != c.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestAnswersAreKeptAsTheyAreMeant(t *testing.T) {
	q := compiled(t)
	for name, c := range map[string]struct {
		question string
		given    any
		tags     []string
		want     any
		wantTags []string
	}{
		"a rating from a form":              {"satisfaction", "4", nil, int64(4), nil},
		"a rating from JSON":                {"satisfaction", 4.0, nil, int64(4), nil},
		"a rating with reasons, in order":   {"satisfaction", int64(1), []string{"1-3.2", "1-3.1"}, int64(1), []string{"1-3.1", "1-3.2"}},
		"nought is a recommendation":        {"recommend", int64(0), nil, int64(0), nil},
		"a choice":                          {"whose", "mine", nil, "mine", nil},
		"choices in the order offered":      {"why", []any{"other", "bank"}, nil, []string{"bank", "other"}, nil},
		"one choice of several from a form": {"why", "us", nil, []string{"us"}, nil},
		"yes from a form":                   {"arrived", "yes", nil, true, nil},
		"no":                                {"arrived", false, nil, false, nil},
		"a text, tidied":                    {"better", "  too\r\nslow\x00 ", nil, "too\nslow", nil},
		"nothing, where nothing is needed":  {"better", " ", nil, nil, nil},
		"no choices":                        {"why", []string{}, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			kept, err := q.Check(c.question, Reply{Given: c.given, Tags: c.tags})
			got, tags := kept.Given, kept.Tags
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) || !slices.Equal(tags, c.wantTags) {
				t.Errorf("got %v %v", got, tags)
			}
		})
	}
}

func TestAnswersThatDontFitAreRefused(t *testing.T) {
	q := compiled(t)
	for name, c := range map[string]struct {
		question string
		given    any
		tags     []string
	}{
		"an unknown question":            {"nobody", "x", nil},
		"a rating of 6":                  {"satisfaction", 6, nil},
		"a rating of 0":                  {"satisfaction", 0, nil},
		"a rating of 2.5":                {"satisfaction", 2.5, nil},
		"a rating in words":              {"satisfaction", "good", nil},
		"nothing where it is required":   {"satisfaction", nil, nil},
		"a reason of another score":      {"satisfaction", 5, []string{"1-3.1"}},
		"a reason twice":                 {"satisfaction", 1, []string{"1-3.1", "1-3.1"}},
		"a reason where none is offered": {"satisfaction", 4, []string{"5.1"}},
		"a choice that isn't offered":    {"whose", "nobody's", nil},
		"choices, one of them twice":     {"why", []string{"us", "us"}, nil},
		"a number among choices":         {"why", []any{"us", 1}, nil},
		"perhaps":                        {"arrived", "perhaps", nil},
		"too long a text":                {"better", strings.Repeat("长", 21), nil},
		"a text that isn't UTF-8":        {"better", "\xff", nil},
		"a list as a text":               {"better", []string{"x"}, nil},
		"reasons beside a text":          {"better", "x", []string{"1-3.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := q.Check(c.question, Reply{Given: c.given, Tags: c.tags})
			if errs.KindOf(err) != errs.Invalid && errs.KindOf(err) != errs.TooLarge {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestAQuestionnaireThatCannotWorkIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(d *Definition)
		says   string
	}{
		"no languages":                       {func(d *Definition) { d.Languages = nil }, "languages: [zh-CN, en]"},
		"a misspelt language":                {func(d *Definition) { d.Languages[0] = "zh_CN" }, "did you mean `zh-CN`"},
		"no questions":                       {func(d *Definition) { d.Questions = nil }, "between 1 and"},
		"a misspelt type":                    {func(d *Definition) { d.Questions[0].Type = "ratin" }, "did you mean `rating`"},
		"an id with a hyphen":                {func(d *Definition) { d.Questions[1].ID = "bet-ter" }, "can't be an id"},
		"an id twice":                        {func(d *Definition) { d.Questions[2].ID = "better" }, "stands twice"},
		"two scores":                         {func(d *Definition) { d.Questions[5].Score = true }, "only one question"},
		"a text as score":                    {func(d *Definition) { d.Questions[0].Score = false; d.Questions[1].Score = true }, "can give the score"},
		"a language missing in a question":   {func(d *Definition) { delete(d.Questions[2].Ask, "en") }, "isn't written in en"},
		"four labels for five points":        {func(d *Definition) { d.Questions[0].Labels["en"] = []string{"1", "2", "3", "4"} }, "4 labels for 5 points"},
		"a scale of 11":                      {func(d *Definition) { d.Questions[5].Scale = 11 }, "between 2 and 10"},
		"tags beyond the scale":              {func(d *Definition) { d.Questions[0].Tags["6-7"] = d.Questions[0].Tags["5"] }, "run from 1 to 5"},
		"tags that overlap":                  {func(d *Definition) { d.Questions[0].Tags["3-4"] = d.Questions[0].Tags["5"] }, "overlap"},
		"tags that lack a word in English":   {func(d *Definition) { d.Questions[0].Tags["1-3"]["en"] = []string{"Too slow"} }, "as many in each"},
		"one option":                         {func(d *Definition) { d.Questions[4].Options = d.Questions[4].Options[:1] }, "between 2 and"},
		"options of one value":               {func(d *Definition) { d.Questions[4].Options[1].Value = "mine" }, "stands twice"},
		"a circle":                           {func(d *Definition) { d.Questions[1].ShowIf = "better == \"\"" }, "its own answer"},
		"a question that looks ahead":        {func(d *Definition) { d.Questions[1].ShowIf = "arrived" }, "comes after"},
		"a question that is never shown":     {func(d *Definition) { d.Questions[1].ShowIf = "satisfaction > 5" }, "no answer"},
		"a question after a set none can be": {func(d *Definition) { d.Questions[4].ShowIf = `"other" in why && !("other" in why)` }, "no answer"},
		"a condition of the wrong types":     {func(d *Definition) { d.Questions[1].ShowIf = `satisfaction == "3"` }, "whole number"},
		"a misspelt question":                {func(d *Definition) { d.Questions[1].ShowIf = `satisfacton < 3` }, "did you mean `satisfaction`"},
		"thanks with an unknown variable":    {func(d *Definition) { d.Thanks["en"] = "{{ hotlin }}" }, "did you mean `hotline`"},
		"a question for a password":          {func(d *Definition) { d.Questions[1].Ask = both("请提供您的密码", "x") }, "never ask"},
	} {
		t.Run(name, func(t *testing.T) {
			def := refunds()
			c.change(def)
			_, err := Compile("refunds", def, newEnv(t))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTagsAndChoicesHaveWords(t *testing.T) {
	q := compiled(t)
	satisfaction, _ := q.Question("satisfaction")
	if got := satisfaction.TagWords("1-3.2", "en"); got != "Too complicated" {
		t.Error(got)
	}
	if got := satisfaction.TagsAt(5).Keys; !slices.Equal(got, []string{"5.1"}) {
		t.Error(got)
	}
	if satisfaction.TagsAt(4) != nil {
		t.Error("4 has tags")
	}
	why, _ := q.Question("why")
	if got := why.OptionText("bank", "zh-TW"); got != "银行" {
		t.Error(got)
	}
	if q.Score() != "satisfaction" || !q.Required("satisfaction") || q.Required("better") {
		t.Error("score or required")
	}
}

// What a customer may say is either refused or kept; what is kept is accepted again unchanged, and
// questions shown are always in order and never refer to hidden ones.
func TestWhatIsKeptIsKeptAgain(t *testing.T) {
	q := compiled(t)
	rapid.Check(t, func(t *rapid.T) {
		answers := map[string]any{}
		for _, question := range q.Questions {
			given := rapid.OneOf(
				rapid.Map(rapid.Int64Range(-2, 12), func(n int64) any { return n }),
				rapid.Map(rapid.String(), func(s string) any { return s }),
				rapid.Map(rapid.Bool(), func(b bool) any { return b }),
				rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"bank", "us", "other", "mine", "x"}), 0, 4), func(l []string) any { return l }),
			).Draw(t, question.ID)
			reply, err := q.Check(question.ID, Reply{Given: given})
			kept := reply.Given
			if err != nil || kept == nil {
				continue
			}
			again, err := q.Check(question.ID, reply)
			if err != nil || !reflect.DeepEqual(reply, again) {
				t.Fatalf("%s: %v became %v, then %v, %v", question.ID, given, kept, again, err)
			}
			answers[question.ID] = kept
		}
		visible := q.Visible(answers)
		if !slices.IsSortedFunc(visible, func(a, b string) int { return q.byID[a] - q.byID[b] }) {
			t.Fatalf("out of order: %v", visible)
		}
		if slices.Contains(visible, "whose") && !slices.Contains(visible, "why") {
			t.Fatalf("whose is shown without why: %v", visible)
		}
	})
}

func FuzzAnswers(f *testing.F) {
	f.Add("satisfaction", "4", "1-3.1")
	f.Add("better", "太慢了\x00", "")
	f.Add("why", "bank", "x")
	q := compiled(f)
	f.Fuzz(func(t *testing.T, question, given, tag string) {
		var tags []string
		if tag != "" {
			tags = []string{tag}
		}
		reply, err := q.Check(question, Reply{Given: given, Tags: tags})
		kept := reply.Given
		if err != nil && !utf8.ValidString(err.Error()) {
			t.Errorf("%q", err.Error())
		}
		if text, ok := kept.(string); ok && err == nil && (!utf8.ValidString(text) || utf8.RuneCountInString(text) > TextCharsMax) {
			t.Errorf("kept %q", text)
		}
		_ = q.Visible(map[string]any{question: kept})
	})
}
