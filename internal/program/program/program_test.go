package program

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
)

var now = time.Date(2026, 11, 4, 2, 0, 0, 0, time.UTC)

func options() Options {
	return Options{
		IDs: ids.New(clock.NewVirtual(now), 1, rand.Reader), Now: now, By: "test", Home: "CN",
		Channels: []string{"inapp", "email", "phone"},
	}
}

func shelf(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/shelf.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parse(t testing.TB, text string) []document.Document {
	t.Helper()
	docs, err := document.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// write runs fn in one writing transaction.
func inWrite(t testing.TB, d *db.DB, fn func(tx *db.Tx) error) error {
	t.Helper()
	return d.Write(context.Background(), db.Outcome, "test", fn)
}

func apply(t testing.TB, d *db.DB, o Options, text string, dryRun bool) ([]Change, error) {
	t.Helper()
	var changes []Change
	docs := parse(t, text)
	err := inWrite(t, d, func(tx *db.Tx) (err error) {
		changes, err = Apply(tx, docs, o, dryRun)
		return err
	})
	return changes, err
}

func mustApply(t testing.TB, d *db.DB, o Options, text string) []Change {
	t.Helper()
	changes, err := apply(t, d, o, text, false)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func publish(t testing.TB, d *db.DB, o Options, name string) (*Live, error) {
	t.Helper()
	var live *Live
	err := inWrite(t, d, func(tx *db.Tx) (err error) {
		live, err = Publish(tx, name, o)
		return err
	})
	return live, err
}

func mustPublish(t testing.TB, d *db.DB, o Options, name string) *Live {
	t.Helper()
	live, err := publish(t, d, o, name)
	if err != nil {
		t.Fatal(err)
	}
	return live
}

func load(t testing.TB, d *db.DB, o Options) *Set {
	t.Helper()
	var set *Set
	if err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		set, err = Load(tx, o)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return set
}

func acts(changes []Change) string {
	count := map[string]int{}
	for _, c := range changes {
		count[c.Act]++
	}
	var out []string
	for _, act := range []string{Created, Changed, Restyled, Unchanged} {
		if count[act] > 0 {
			out = append(out, act)
		}
	}
	return strings.Join(out, " ")
}

func TestDocumentsComeBackAsTheyWereGiven(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o, text := options(), shelf(t)
		if changes, err := apply(t, d, o, text, true); err != nil || acts(changes) != Created || len(changes) != 8 {
			t.Fatalf("a dry run: %v, %v", changes, err)
		}
		if set := load(t, d, o); set.Revision() != "0.0.0" {
			t.Fatalf("the dry run wrote something: revision %s", set.Revision())
		}
		if got := acts(mustApply(t, d, o, text)); got != Created {
			t.Errorf("first: %s", got)
		}
		if got := acts(mustApply(t, d, o, text)); got != Unchanged {
			t.Errorf("second: %s", got)
		}
		var all []document.Document
		if err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
			all, err = All(tx, "")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		back, err := document.Encode(all...)
		if err != nil {
			t.Fatal(err)
		}
		if got := acts(mustApply(t, d, o, string(back))); got != Unchanged || len(all) != 8 {
			t.Errorf("what was given back, %d documents: %s", len(all), got)
		}
		if !strings.Contains(string(back), "# above surveys, below stolen accounts") {
			t.Error("a comment was lost")
		}
		if got := acts(mustApply(t, d, o, strings.ReplaceAll(text, "# above surveys, below stolen accounts", "# in the middle"))); got != "restyled unchanged" {
			t.Errorf("another comment: %s", got)
		}
		changes := mustApply(t, d, o, strings.ReplaceAll(text, "priority: 70", "priority: 60"))
		if acts(changes) != "changed unchanged" {
			t.Errorf("another priority: %s", acts(changes))
		}
		for _, c := range changes {
			if c.Act == Changed && (c.Kind != document.KindProgram || c.Version != 2) {
				t.Errorf("changed %+v", c)
			}
		}
		if err := d.Read(context.Background(), func(tx *db.Tx) error {
			_, err := Get(tx, document.KindProgram, "late-topupp")
			if errs.KindOf(err) != errs.NotFound || !strings.Contains(err.Error(), "`late-topup`") {
				t.Errorf("a misspelt name: %v", err)
			}
			_, err = audit.Verify(tx)
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestAFollowUpKeepsTheVersionItBeganWith(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o, text := options(), shelf(t)
		mustApply(t, d, o, text)
		if got := load(t, d, o).Published(); len(got) != 0 {
			t.Fatalf("a draft runs: %+v", got)
		}
		first := mustPublish(t, d, o, "late-topup")
		set := load(t, d, o)
		if len(set.Published()) != 1 || set.Published()[0].Live.VersionID != first.VersionID || set.Published()[0].State != Running {
			t.Fatalf("published: %+v", set.Published())
		}
		mustApply(t, d, o, strings.ReplaceAll(text, "款项安全", "请放心"))
		if again := load(t, d, o); again.Revision() == set.Revision() {
			t.Error("the revision stood still")
		} else if again.Published()[0].Live.VersionID != first.VersionID {
			t.Error("a draft took the place of what runs")
		}
		second := mustPublish(t, d, o, "late-topup")
		if second.Version != 2 || second.VersionID == first.VersionID || second.ID != first.ID {
			t.Errorf("second: %+v", second)
		}
		if third := mustPublish(t, d, o, "late-topup"); third.VersionID != second.VersionID {
			t.Error("publishing the same again made a version")
		}
		fresh := load(t, d, o)
		for id, want := range map[int64]string{first.VersionID: "款项安全", second.VersionID: "请放心"} {
			if got := notice(t, d, fresh, id); !strings.Contains(got, want) {
				t.Errorf("version %d says %s", id, got)
			}
		}
		if err := d.Read(context.Background(), func(tx *db.Tx) error {
			q, err := fresh.Questionnaire(tx, first.Steps[3].QuestionnaireID)
			if err == nil && q.Score() != "satisfaction" {
				t.Errorf("the questionnaire's score is %s", q.Score())
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

// notice renders the first step of a version.
func notice(t *testing.T, d *db.DB, set *Set, version int64) string {
	t.Helper()
	var live *Live
	var state string
	if err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		live, state, err = set.Version(tx, version)
		return err
	}); err != nil || state != Running {
		t.Fatal(state, err)
	}
	m, err := live.Steps[0].Template.Render(varsFor(`{"order_id":"1","amount_minor":100,"currency":"CNY"}`))
	if err != nil {
		t.Fatal(err)
	}
	return m.Text
}

func TestAProgramRunsPausesAndStops(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := options()
		mustApply(t, d, o, shelf(t))
		act := func(fn func(*db.Tx, string, string) error) error {
			return inWrite(t, d, func(tx *db.Tx) error { return fn(tx, "late-topup", "test") })
		}
		if err := act(Pause); errs.KindOf(err) != errs.Conflict {
			t.Errorf("a draft was paused: %v", err)
		}
		live := mustPublish(t, d, o, "late-topup")
		for _, step := range []struct {
			do   func(*db.Tx, string, string) error
			want string
		}{{Pause, Paused}, {Pause, Paused}, {Resume, Running}, {Pause, Paused}, {Stop, Stopped}} {
			before := load(t, d, o)
			if err := act(step.do); err != nil {
				t.Fatal(err)
			}
			set := load(t, d, o)
			if got := set.State(live.ID); got != step.want || set.Published()[0].State != step.want {
				t.Errorf("it is %s, want %s", got, step.want)
			}
			if before.State(live.ID) != step.want && before.Revision() == set.Revision() {
				t.Errorf("the revision stood still at %s", step.want)
			}
		}
		if err := act(Resume); errs.KindOf(err) != errs.Conflict {
			t.Errorf("a stopped program went on: %v", err)
		}
		mustPublish(t, d, o, "late-topup")
		if got := load(t, d, o).State(live.ID); got != Running {
			t.Errorf("published again it is %s", got)
		}
		if err := act(Pause); err != nil {
			t.Fatal(err)
		}
		mustApply(t, d, o, strings.ReplaceAll(shelf(t), "priority: 70", "priority: 71"))
		mustPublish(t, d, o, "late-topup")
		if got := load(t, d, o).State(live.ID); got != Paused {
			t.Errorf("publishing a change set a paused program going: %s", got)
		}
	})
}

func TestPublishingNeedsItsChannels(t *testing.T) {
	d, o := dbtest.Memory(t, db.Options{}), options()
	mustApply(t, d, o, shelf(t))
	o.Channels = []string{"inapp", "email"}
	_, err := publish(t, d, o, "late-topup")
	if errs.CodeOf(err) != codes.PublishingNotPossible || !strings.Contains(err.Error(), "phone") || !strings.Contains(err.Error(), "line ") {
		t.Errorf("got %v", err)
	}
}

func TestABadDocumentTakesNothingIn(t *testing.T) {
	base := shelf(t)
	for name, c := range map[string]struct {
		change [2]string
		code   string
		says   []string
	}{
		"a misspelt key":                      {[2]string{"  delay: 10m", "  delay_time: 10m"}, "unknown-key", []string{"`delay_time` at line 12", "did you mean `delay`"}},
		"a condition with a misspelt field":   {[2]string{"amount_minor >= 1000", "amout_minor >= 1000"}, "condition-unknown-name", []string{"trigger.when", "line 11", "`amount_minor`"}},
		"a text beside a number":              {[2]string{"amount_minor >= 1000", `amount_minor >= "1000"`}, "condition-types", nil},
		"an unknown template":                 {[2]string{"purpose: notice, template: late-topup, wait", "purpose: notice, template: late-topupp, wait"}, codes.ReferenceUnknown, []string{"steps[1].template", "did you mean `late-topup`"}},
		"an unknown questionnaire":            {[2]string{"questionnaire: topup-survey, wait: 1d", "questionnaire: topup-surve, wait: 1d"}, codes.ReferenceUnknown, []string{"`topup-survey`"}},
		"an unknown segment":                  {[2]string{`in_segment("big-savers")`, `in_segment("big-saver")`}, codes.ReferenceUnknown, []string{"`big-savers`"}},
		"an unknown segment of the audience":  {[2]string{"segment: everyone", "segment: evryone"}, codes.ReferenceUnknown, nil},
		"an unknown event":                    {[2]string{"event: wallet.topup.late", "event: wallet.topup.lat"}, codes.ReferenceUnknown, []string{"`wallet.topup.late`"}},
		"an unknown channel":                  {[2]string{"channel: inapp", "channel: in-app"}, codes.ChannelUnknown, []string{"`inapp`"}},
		"an unknown purpose":                  {[2]string{"channel: phone, purpose: service", "channel: phone, purpose: servise"}, codeShape, []string{"`service`"}},
		"an unknown variable in a template":   {[2]string{"{{ trigger.data.expected_by | local_date }}到账", "{{ trigger.data.expected | local_date }}到账"}, "template-unknown-variable", []string{"`expected_by`"}},
		"an endless loop in a template":       {[2]string{"款项安全。热线 {{ hotline }}。\"\n      en: \"Dear {{ customer.masked_name }}, your top-up of {{ trigger.data.amount_minor | money: trigger.data.currency }} should", "{% for i in (1..1000000000) %}x{% endfor %}\"\n      en: \"Dear {{ customer.masked_name }}, your top-up of {{ trigger.data.amount_minor | money: trigger.data.currency }} should"}, "template-too-large", nil},
		"a template that isn't for a channel": {[2]string{"channels: [inapp, email]", "channels: [email]"}, codeShape, []string{"isn't written for inapp"}},
		"waits beyond the deadline":           {[2]string{"template: late-topup, wait: 1h", "template: late-topup, wait: 4d"}, codes.ProgramCannotRun, []string{"steps[2]", "deadline is 3d"}},
		"tries beyond the deadline":           {[2]string{"gap: 20h", "gap: 80h"}, codes.ProgramCannotRun, []string{"try 2"}},
		"a delay beyond the deadline":         {[2]string{"delay: 10m", "delay: 3d"}, codes.ProgramCannotRun, []string{"nothing could ever start"}},
		"a purpose its cap never allows":      {[2]string{"survey: [{n: 1, per: 30d}]", "survey: [{n: 0, per: 30d}]"}, "", nil},
		"tries without a gap":                 {[2]string{"tries: 2, gap: 20h", "tries: 2"}, codeShape, []string{"gap"}},
		"no deadline":                         {[2]string{"deadline: 3d\n", ""}, codeShape, []string{"deadline"}},
		"a score without a question":          {[2]string{"    score: true\n", ""}, codeShape, []string{"score: true"}},
		"a misspelt answer":                   {[2]string{"answers.arrived", "answers.arived"}, "condition-unknown-name", []string{"`arrived`"}},
		"a misspelt severity":                 {[2]string{"severity: high", "severity: hihg"}, codeShape, []string{"`high`"}},
		"two triggers":                        {[2]string{"trigger:\n", "trigger:\n  list: true\n"}, codeShape, []string{"one of an event, a schedule and a list"}},
		"a key that is a number with a point": {[2]string{"sample: 1.0", "sample: 10%"}, "wrong-type", []string{"share"}},
		"nobody left to follow up":            {[2]string{"hold_out: 0.20", "hold_out: 1.0"}, codeShape, []string{"nobody"}},
		"a schema that is none":               {[2]string{"  type: object\n  required: [coupon_id]", "  type: string\n  required: [coupon_id]"}, "", []string{"wallet.coupon.returned"}},
		"a broken rule pack":                  {[2]string{`hours: ["09:00-21:00"]`, `hours: ["9-21"]`}, "", []string{"hk"}},
	} {
		t.Run(name, func(t *testing.T) {
			d, o := dbtest.Memory(t, db.Options{}), options()
			text := strings.Replace(base, c.change[0], c.change[1], 1)
			if text == base {
				t.Fatalf("%q isn't in the file", c.change[0])
			}
			_, err := apply(t, d, o, text, false)
			if err == nil {
				t.Fatal("it was taken")
			}
			t.Log(err)
			if c.code != "" && errs.CodeOf(err) != c.code {
				t.Errorf("code %s, want %s", errs.CodeOf(err), c.code)
			}
			for _, words := range c.says {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("it doesn't say %q", words)
				}
			}
			if set := load(t, d, o); set.Revision() != "0.0.0" {
				t.Errorf("something was taken in: revision %s", set.Revision())
			}
		})
	}
}

func TestACatalogueChangeThatWouldBreakWhatRunsIsRefused(t *testing.T) {
	d, o := dbtest.Memory(t, db.Options{}), options()
	mustApply(t, d, o, shelf(t))
	mustPublish(t, d, o, "late-topup")
	_, err := apply(t, d, o, `
kind: EventType
name: wallet.topup.late
title: {en: Late}
schema: {type: object, required: [order_id], properties: {order_id: {type: string}, amount: {type: integer}}}
`, false)
	if err == nil || !strings.Contains(err.Error(), "late-topup would break") {
		t.Errorf("got %v", err)
	}
	if set := load(t, d, o); len(set.Broken()) > 0 || len(set.Published()) != 1 {
		t.Errorf("broken: %v", set.Broken())
	}
}

func TestADocumentOfANodeWhoseClockIsBehindIsNoticed(t *testing.T) {
	d := dbtest.Memory(t, db.Options{})
	revision := func() (text string) {
		t.Helper()
		err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
			text, err = Revision(tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	document := func(name string) string {
		return "kind: EventType\nname: " + name + "\ntitle: {en: X, zh-CN: X}\nschema: {type: object}\n"
	}
	mustApply(t, d, options(), document("parcel.sent"))
	before, behind := revision(), options()
	behind.IDs = ids.New(clock.NewVirtual(now.Add(-time.Minute)), 2, rand.Reader)
	mustApply(t, d, behind, document("parcel.lost"))
	if after := revision(); after == before {
		t.Errorf("the revision is still %s", after)
	}
}

func TestWhatAProgramSaysIsCompiled(t *testing.T) {
	d, o := dbtest.Memory(t, db.Options{}), options()
	mustApply(t, d, o, shelf(t))
	live := mustPublish(t, d, o, "late-topup")
	if live.Priority != 70 || live.Deadline != 72*time.Hour || live.Trigger.Delay != 10*time.Minute || live.Audience != (Audience{"everyone", 1, 0.2}) {
		t.Errorf("%+v", live)
	}
	if live.Measure != (Measure{"wallet.topup.succeeded", 14 * 24 * time.Hour}) || strings.Join(live.FactTypes, " ") != "wallet.topup.succeeded" {
		t.Errorf("measure %+v, fact types %v", live.Measure, live.FactTypes)
	}
	call := live.Steps[2]
	if call.Tries != 2 || call.Gap != 20*time.Hour || call.Wait != 2*time.Hour || call.Ring != ringDefault || !call.UsesFacts || call.Mode != "preview" ||
		call.Script == nil || len(call.Prefer) != 2 || call.Questionnaire == nil || call.QuestionnaireID == 0 {
		t.Errorf("%+v", call)
	}
	survey := live.Steps[3]
	if survey.Template != nil || survey.Questionnaire != call.Questionnaire || survey.UsesFacts || survey.Tries != 1 {
		t.Errorf("%+v", survey)
	}
	late := &event.Event{Type: "wallet.topup.late", Data: []byte(`{"order_id":"7","amount_minor":1000,"currency":"HKD"}`)}
	if held, err := live.Trigger.When.Match(condition.Vars{Event: late}); err != nil || !held {
		t.Errorf("when: %v, %v", held, err)
	}
	done := &event.Event{Type: "wallet.topup.succeeded", Data: []byte(`{"order_id":"7"}`)}
	if held, err := live.Trigger.CancelOn[0].When.Match(condition.Vars{Event: done, Trigger: late}); err != nil || !held {
		t.Errorf("cancel_on: %v, %v", held, err)
	}
	if key, err := live.Reentry.Text(condition.Vars{Trigger: late}); err != nil || key != "7" {
		t.Errorf("key: %q, %v", key, err)
	}
	two := int64(2)
	for i, want := range []bool{false, true} {
		if held, err := live.OnAnswer[i].When.Match(condition.Vars{Score: &two, Answers: map[string]any{"arrived": true}}); err != nil || held != want {
			t.Errorf("on_answer[%d]: %v, %v", i, held, err)
		}
	}
	if id, ok := load(t, d, o).ID("late-topup"); !ok || id != live.ID {
		t.Errorf("the program's id is %d", id)
	}
	if set := load(t, d, o); set.Segments()["big-savers"] == nil || set.Rules() == nil {
		t.Error("the set lacks a segment or the rules")
	} else if _, known := set.Catalogue().Type("wallet.coupon.returned"); !known {
		t.Error("the set lacks an event type")
	}
}

func TestEncodedDocumentsKeepTheirOrder(t *testing.T) {
	docs := parse(t, shelf(t))
	text, err := document.Encode(docs...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := document.Encode(parse(t, string(text))...)
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("encoding twice differs: %v", err)
	}
}
