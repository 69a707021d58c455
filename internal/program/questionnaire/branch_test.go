package questionnaire

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
)

// randomQuestion draws a small question whose condition looks at those before it.
func randomQuestion(t *rapid.T, n int, earlier []QuestionDefinition) QuestionDefinition {
	text := document.Text{document.En: "?"}
	q := QuestionDefinition{
		ID: fmt.Sprintf("q%d", n), Ask: text, Required: rapid.Bool().Draw(t, "required"),
		Type: rapid.SampledFrom([]string{Rating, YesNo, Single, Multiple}).Draw(t, "type"),
	}
	switch q.Type {
	case Rating:
		q.Scale = rapid.Int64Range(2, 3).Draw(t, "scale")
	case Multiple:
		q.Options = []Option{{Value: "a", Text: text}, {Value: "b", Text: text}, {Value: "c", Text: text, None: rapid.Bool().Draw(t, "none")}}
		q.MaxPicks = rapid.Int64Range(0, 2).Draw(t, "most")
	case Single:
		q.Options = []Option{{Value: "a", Text: text}, {Value: "b", Text: text}}
	}
	if len(earlier) > 0 && rapid.IntRange(0, 3).Draw(t, "conditional") > 0 {
		parts := make([]string, rapid.IntRange(1, 3).Draw(t, "parts"))
		for i := range parts {
			parts[i] = randomPart(t, rapid.SampledFrom(earlier).Draw(t, "of"))
		}
		q.ShowIf = strings.Join(parts, rapid.SampledFrom([]string{" && ", " || "}).Draw(t, "joined"))
	}
	return q
}

func randomPart(t *rapid.T, q QuestionDefinition) string {
	var part string
	switch q.Type {
	case Rating:
		part = fmt.Sprintf("%s %s %d", q.ID, rapid.SampledFrom([]string{"<", ">", "=="}).Draw(t, "op"), rapid.IntRange(1, 3).Draw(t, "n"))
	case YesNo:
		part = q.ID
	case Single:
		part = fmt.Sprintf("%s == %q", q.ID, rapid.SampledFrom([]string{"a", "b", "z"}).Draw(t, "value"))
	default:
		part = fmt.Sprintf("%q in %s", rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "value"), q.ID)
		if rapid.Bool().Draw(t, "size") {
			part = fmt.Sprintf("size(%s) > %d", q.ID, rapid.IntRange(0, 2).Draw(t, "n"))
		}
	}
	if rapid.Bool().Draw(t, "not") {
		return "!(" + part + ")"
	}
	return part
}

// everShown walks through a questionnaire in every way a customer could, question by question,
// leaving out what may be left out, and marks what is shown on the way.
func everShown(q *Questionnaire, answers map[string]any, decided map[string]bool, shown map[string]bool) {
	for _, id := range q.Visible(answers) {
		shown[id] = true
		if decided[id] {
			continue
		}
		decided[id] = true
		for _, given := range everything() {
			kept, err := q.Check(id, Reply{Given: given})
			if err != nil {
				continue
			}
			if kept.Given != nil {
				answers[id] = kept.Given
			}
			everShown(q, answers, decided, shown)
			delete(answers, id)
		}
		delete(decided, id)
		return
	}
}

// everything is all that could be sent to a small question, nonsense and silence included.
func everything() []any {
	list := []any{nil, int64(0), int64(1), int64(2), int64(3), int64(4), true, false, "a", "b", "z"}
	for set := range 16 {
		var some []string
		for i, v := range []string{"a", "b", "c", "z"} {
			if set&(1<<i) != 0 {
				some = append(some, v)
			}
		}
		list = append(list, some)
	}
	return list
}

// What Compile says of each question without walking is what walking finds.
func TestTheVerdictOnBranchesIsThatOfWalkingThemAll(t *testing.T) {
	env := newEnv(t)
	refused, taken := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		def := Definition{Languages: []string{document.En}}
		for n := range rapid.IntRange(2, 5).Draw(t, "questions") {
			def.Questions = append(def.Questions, randomQuestion(t, n, def.Questions))
		}
		_, err := Compile("random", &def, env)
		never := []string{}
		if err != nil {
			for _, line := range strings.Split(err.Error(), "no answer to the earlier questions ever shows `")[1:] {
				id, _, _ := strings.Cut(line, "`")
				never = append(never, id)
			}
			if len(never) == 0 {
				t.Fatalf("refused for something else: %v", err)
			}
			refused++
		} else {
			taken++
		}
		q := walkable(t, &def, env)
		shown := map[string]bool{}
		everShown(q, map[string]any{}, map[string]bool{}, shown)
		for i := range q.Questions {
			id := q.Questions[i].ID
			said := strings.Contains(" "+strings.Join(never, " ")+" ", " "+id+" ")
			if said == shown[id] {
				t.Fatalf("%s: refused %v, shown by walking %v; %+v", id, said, shown[id], def.Questions)
			}
		}
	})
	if refused == 0 || taken == 0 {
		t.Errorf("the draw is one-sided: %d refused, %d taken", refused, taken)
	}
}

func TestBranchesThatLeadNowhereAreRefused(t *testing.T) {
	text := document.Text{document.En: "?"}
	for name, c := range map[string]struct {
		showIf [2]string // of the second and the third question
		says   string
	}{
		"through a question that is hidden just then": {[2]string{"stars > 3", "app && stars <= 3"}, "ever shows `why`"},
		"by contradicting itself":                     {[2]string{"", "stars == 1 && stars == 2"}, "ever shows `why`"},
		"by asking for more than the scale has":       {[2]string{"", "stars >= 6"}, "ever shows `why`"},
		"behind one that leads nowhere":               {[2]string{"stars > 5", "app"}, "ever shows `app`"},
		"as yes and no at once":                       {[2]string{"", "app && !app"}, "ever shows `why`"},
		"with a type that doesn't fit":                {[2]string{"stars == true", ""}, "questions[1].show_if"},
		"looking at itself":                           {[2]string{"app", ""}, "its own answer"},
		"looking ahead":                               {[2]string{"why == \"x\"", ""}, "comes after"},
		"with no condition at all":                    {[2]string{"stars", ""}, "questions[1].show_if"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compile("dead", &Definition{Languages: []string{document.En}, Questions: []QuestionDefinition{
				{ID: "stars", Type: Rating, Ask: text, Required: true},
				{ID: "app", Type: YesNo, Ask: text, ShowIf: c.showIf[0]},
				{ID: "why", Type: FreeText, Ask: text, Required: true, ShowIf: c.showIf[1]},
			}}, newEnv(t))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// walkable compiles a questionnaire without judging whether its conditions can hold.
func walkable(t *rapid.T, def *Definition, env *condition.Env) *Questionnaire {
	q := &Questionnaire{byID: map[string]int{}, Languages: def.Languages}
	for i := range def.Questions {
		var p document.Problems
		one := compileQuestion(&def.Questions[i], def.Languages, "", &p)
		if show := def.Questions[i].ShowIf; show != "" {
			compiled, err := env.WithAnswers(fields(q.Questions)).Compile(show, condition.Question, "")
			if err != nil {
				t.Fatal(err)
			}
			one.showIf = compiled
		}
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		q.byID[one.ID] = i
		q.Questions = append(q.Questions, *one)
	}
	return q
}
