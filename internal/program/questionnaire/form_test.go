package questionnaire

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/program/document"
)

// choosing asks for up to two of four things, one of them something else, or for none of them.
func choosing(t testing.TB) *Questionnaire {
	t.Helper()
	q, err := Compile("choosing", &Definition{
		Languages: []string{"zh-CN", "en"},
		Questions: []QuestionDefinition{
			{
				ID: "uses", Type: Multiple, MinPicks: 2, MaxPicks: 3, Required: true, Ask: both("您用过哪些?", "Which have you used?"),
				Options: []Option{
					{Value: "pay", Text: both("付款", "Paying")},
					{Value: "send", Text: both("转账", "Sending")},
					{Value: "save", Text: both("理财", "Saving")},
					{Value: "other", Text: both("其他", "Something else"), Other: true},
					{Value: "none", Text: both("都没有", "None of these"), None: true},
				},
			},
			{
				ID: "first", Type: Single, Ask: both("最先用的?", "Which first?"), ShowIf: `size(uses) > 1`,
				Options: []Option{{Value: "pay", Text: both("付款", "Paying")}, {Value: "other", Text: both("其他", "Something else"), Other: true}},
			},
			{ID: "stars", Type: Rating, Ask: both("满意吗?", "Satisfied?"), Labels: Words{"zh-CN": {"差", "好"}, "en": {"Bad", "Good"}}, Tags: map[string]Words{"1": {"zh-CN": {"太慢"}, "en": {"Slow"}}}},
			{ID: "more", Type: FreeText, Ask: both("还有吗?", "Anything else?"), MaxChars: 100},
		},
	}, newEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestChoicesKeepTheirBounds(t *testing.T) {
	q := choosing(t)
	for name, c := range map[string]struct {
		question string
		reply    Reply
		want     Reply
		says     string
	}{
		"two":                                {"uses", Reply{Given: []string{"send", "pay"}}, Reply{Given: []string{"pay", "send"}}, ""},
		"one is too few":                     {"uses", Reply{Given: []string{"pay"}}, Reply{}, "at least 2"},
		"four are too many":                  {"uses", Reply{Given: []string{"pay", "send", "save", "other"}}, Reply{}, "at most 3"},
		"none of these alone":                {"uses", Reply{Given: []string{"none"}}, Reply{Given: []string{"none"}}, ""},
		"none of these with another":         {"uses", Reply{Given: []string{"pay", "none"}}, Reply{}, "none of these"},
		"something else in words":            {"uses", Reply{Given: []string{"pay", "other"}, Other: " 充值\x00 "}, Reply{Given: []string{"pay", "other"}, Other: "充值"}, ""},
		"something else without words":       {"first", Reply{Given: "other"}, Reply{Given: "other"}, ""},
		"words beside an ordinary choice":    {"first", Reply{Given: "pay", Other: "x"}, Reply{}, "nothing to write"},
		"words beside a scale":               {"stars", Reply{Given: 3, Other: "x"}, Reply{}, "nothing to write"},
		"words beside a text":                {"more", Reply{Given: "x", Other: "other"}, Reply{}, "nothing to write"},
		"too many words for something else":  {"first", Reply{Given: "other", Other: strings.Repeat("长", OtherCharsMax+1)}, Reply{}, "shorten"},
		"something else in broken letters":   {"first", Reply{Given: "other", Other: "\xff"}, Reply{}, "write a text"},
		"blanks beside an ordinary choice":   {"first", Reply{Given: "pay", Other: "  "}, Reply{Given: "pay"}, ""},
		"nothing chosen, though it's needed": {"uses", Reply{Given: []string{}}, Reply{}, "please answer"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := q.Check(c.question, c.reply)
			if c.says == "" && (err != nil || !reflect.DeepEqual(got, c.want)) {
				t.Errorf("got %+v, %v", got, err)
			}
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestChoicesThatCannotBeMadeAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(q []QuestionDefinition)
		says   string
	}{
		"more needed than there are":      {func(q []QuestionDefinition) { q[0].MinPicks, q[0].MaxPicks = 5, 0 }, "between 1 and 4"},
		"the least above the most":        {func(q []QuestionDefinition) { q[0].MaxPicks = 1 }, "not above"},
		"two others":                      {func(q []QuestionDefinition) { q[0].Options[0].Other = true }, "one option at most"},
		"two nones":                       {func(q []QuestionDefinition) { q[0].Options[0].None = true }, "one option at most"},
		"other and none at once":          {func(q []QuestionDefinition) { q[0].Options[3].None, q[0].Options[4].None = true, false }, "both other and none"},
		"none of these in a single":       {func(q []QuestionDefinition) { q[1].Options[0].None = true }, "several can be chosen"},
		"bounds on a single":              {func(q []QuestionDefinition) { q[1].MaxPicks = 2 }, "only a multiple"},
		"a condition that needs too many": {func(q []QuestionDefinition) { q[1].ShowIf = "size(uses) > 3" }, "no answer"},
		"none of these among others":      {func(q []QuestionDefinition) { q[1].ShowIf = `"none" in uses && "pay" in uses` }, "no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			def := definitionOf(choosing(t))
			c.change(def.Questions)
			_, err := Compile("choosing", def, newEnv(t))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// definitionOf writes the questions of choosing down again.
func definitionOf(q *Questionnaire) *Definition {
	d := &Definition{Languages: q.Languages}
	for _, x := range q.Questions[:2] {
		d.Questions = append(d.Questions, QuestionDefinition{
			ID: x.ID, Type: x.Type, Ask: x.Ask, Options: append([]Option(nil), x.Options...), MinPicks: int64(x.MinPicks), MaxPicks: int64(x.MaxPicks),
		})
	}
	return d
}

// The JSON that apps draw from is an interface: a change here is a change for them.
func TestAFormIsAllAnAppNeeds(t *testing.T) {
	got, err := json.Marshal(choosing(t).Form(map[string]Reply{"uses": {Given: []string{"pay", "other"}, Other: "top-ups"}}, "de", "en-GB"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"name":"choosing","language":"en","languages":["zh-CN","en"],"questions":[` +
		`{"id":"uses","type":"multiple","ask":"Which have you used?","visible":true,"required":true,"options":[` +
		`{"value":"pay","text":"Paying"},{"value":"send","text":"Sending"},{"value":"save","text":"Saving"},` +
		`{"value":"other","text":"Something else","other":true,"max_chars":200},{"value":"none","text":"None of these","none":true}],` +
		`"min_choices":2,"max_choices":3,"said":{"value":["pay","other"],"other":"top-ups"}},` +
		`{"id":"first","type":"single","ask":"Which first?","visible":true,"required":false,"options":[` +
		`{"value":"pay","text":"Paying"},{"value":"other","text":"Something else","other":true,"max_chars":200}]},` +
		`{"id":"stars","type":"rating","ask":"Satisfied?","visible":true,"required":false,"points":[` +
		`{"value":1,"label":"Bad","tags":[{"key":"1.1","text":"Slow"}]},{"value":2},{"value":3},{"value":4},{"value":5,"label":"Good"}]},` +
		`{"id":"more","type":"text","ask":"Anything else?","visible":true,"required":false,"max_chars":100}],` +
		`"next":"first","answered":1,"of":4,"most":4,"complete":true}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAFormFollowsWhatWasSaid(t *testing.T) {
	q := choosing(t)
	empty := q.Form(nil, document.ZhCN)
	if empty.Next != "uses" || empty.Complete || empty.Of != 3 || empty.Questions[1].Visible {
		t.Errorf("before anything is said: %+v", empty)
	}
	all := q.Form(map[string]Reply{
		"uses": {Given: []string{"none"}}, "stars": {Given: int64(1)}, "more": {Given: "x"}, "first": {Given: "pay"},
	}, document.ZhCN)
	if all.Next != "" || !all.Complete || all.Answered != 3 || all.Questions[1].Visible || all.Questions[1].Said == nil {
		t.Errorf("after everything is said: %+v", all)
	}
	if all.Questions[2].Points[0].Tags[0].Text != "太慢" {
		t.Errorf("the words: %+v", all.Questions[2].Points)
	}
}
