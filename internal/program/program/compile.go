package program

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
	"github.com/huiyin/huiyin/internal/program/rules"
	"github.com/huiyin/huiyin/internal/program/segment"
)

const codeShape = "document-shape"

// pins are the versions of documents a published program uses, by kind and name.
type pins map[string]map[string]int64

func (p pins) add(e *entry) {
	if p[e.doc.Kind] == nil {
		p[e.doc.Kind] = map[string]int64{}
	}
	p[e.doc.Kind][e.doc.Name] = e.id
}

// compiler makes one Live of one document.
type compiler struct {
	*library
	def    Definition
	live   *Live
	pins   pins
	p      document.Problems
	asks   []*questionnaire.Questionnaire
	on     string           // the type of the trigger's event; AnyType if it is misspelt
	seen   map[string]error // segments looked up already
	prefer map[string][]policy.Window
}

// compile checks a program and compiles it with the library's versions of what it names.
func (l *library) compile(d document.Document) (*Live, pins, error) {
	c := &compiler{library: l, pins: pins{}, seen: map[string]error{}, live: &Live{Name: d.Name}}
	if err := document.Decode(d.Node, &c.def); err != nil {
		return nil, nil, d.Locate(err)
	}
	c.live.Title = c.def.Title
	c.basics()
	c.trigger()
	c.audience()
	c.preferences()
	for i := range c.def.Steps {
		c.step(i)
	}
	c.onAnswer()
	c.measure()
	slices.Sort(c.live.FactTypes)
	c.live.FactTypes = slices.Compact(c.live.FactTypes)
	if c.p.None() {
		c.canRun()
	}
	if err := c.p.Err(); err != nil {
		return nil, nil, d.Locate(err)
	}
	return c.live, c.pins, nil
}

func (c *compiler) bad(path, format string, a ...any) { c.p.Addf(path, codeShape, format, a...) }

// condition compiles a condition and takes note of what it asks for.
func (c *compiler) condition(path, expr string, env *condition.Env, place condition.Place, eventType string) *condition.Condition {
	if expr == "" {
		return nil
	}
	compiled, err := env.Compile(expr, place, eventType)
	c.p.AddAt(path, err)
	c.live.FactTypes = append(c.live.FactTypes, compiled.FactTypes()...)
	for _, name := range compiled.Segments() {
		c.useSegment(path, name)
	}
	return compiled
}

func (c *compiler) useSegment(path, name string) {
	if name == segment.Everyone {
		return
	}
	err, again := c.seen[name]
	if !again {
		var s *segment.Segment
		var e *entry
		s, e, err = c.segment(name)
		c.seen[name] = err
		if err == nil {
			c.pins.add(e)
			c.live.FactTypes = append(c.live.FactTypes, s.Condition().FactTypes()...)
		}
	}
	c.refer(path, document.KindSegment, name, err)
}

// refer takes note of what is wrong with a document the program names, unless that was said already.
func (c *compiler) refer(path, kind, name string, err error) {
	if !c.failed[kind+"/"+name] {
		c.p.AddAt(path, err)
	}
}

func (c *compiler) basics() {
	c.live.Priority, c.live.Deadline = priorityMiddle, c.def.Deadline.Std()
	if c.def.Priority != nil {
		c.live.Priority = *c.def.Priority
	}
	if c.live.Priority < 0 || c.live.Priority > PriorityMax {
		c.bad("priority", "a priority is between 0 and %d; 50 is the middle", PriorityMax)
	}
	if c.live.Deadline <= 0 || c.live.Deadline > DeadlineMax {
		c.bad("deadline", "a program needs a deadline of at most %s, such as `deadline: 48h`; no attempt starts later", document.Duration(DeadlineMax))
	}
	if n := len(c.def.Steps); n == 0 || n > StepsMax {
		c.bad("steps", "a program has between 1 and %d steps; this one has %d", StepsMax, n)
	}
}

func (c *compiler) trigger() {
	def := &c.def.Trigger
	ways := 0
	for _, is := range []bool{def.Event != "", def.Schedule != nil, def.List} {
		if is {
			ways++
		}
	}
	if ways != 1 {
		c.bad("trigger", "a program is started by one of an event, a schedule and a list; name one, such as `event: wallet.payment.failed`")
		return
	}
	t := &c.live.Trigger
	t.Event, t.List, t.Delay = def.Event, def.List, def.Delay.Std()
	if c.on = def.Event; def.Event != "" && !c.eventType("trigger.event", def.Event) {
		c.on = condition.AnyType // say it once, and look on
		return
	}
	if def.When != "" && def.Event == "" {
		c.bad("trigger.when", "only an event can have a condition; choose a segment under audience instead")
	} else {
		t.When = c.condition("trigger.when", def.When, c.env, condition.Trigger, def.Event)
	}
	if len(def.CancelOn) > CancelsMax {
		c.bad("trigger.cancel_on", "at most %d events can cancel", CancelsMax)
		return
	}
	env := c.env.TriggeredBy(def.Event)
	for i, x := range def.CancelOn {
		at := fmt.Sprintf("trigger.cancel_on[%d]", i)
		if c.eventType(at+".event", x.Event) {
			t.CancelOn = append(t.CancelOn, CancelOn{x.Event, c.condition(at+".when", x.When, env, condition.CancelOn, x.Event)})
		}
	}
	if s := def.Schedule; s != nil {
		t.Schedule = &Schedule{Every: s.Every.Std(), Segment: s.Segment}
		if s.Every.Std() < scheduleMin {
			c.bad("trigger.schedule.every", "a schedule runs at most once a day; write `every: 1d` or more")
		}
		c.useSegment("trigger.schedule.segment", s.Segment)
	}
	if c.def.Reentry != nil {
		if def.Event == "" {
			c.bad("reentry", "only a program started by an event can have a key")
			return
		}
		c.live.Reentry = c.condition("reentry.key", c.def.Reentry.Key, c.env, condition.Reentry, def.Event)
		if c.def.Reentry.Key == "" {
			c.bad("reentry.key", "name the key, such as `reentry: {key: trigger.data.order_id}`")
		}
	}
}

func (c *compiler) eventType(path, name string) bool {
	if _, known := c.env.Catalogue().Type(name); known {
		return true
	}
	choice := []string{}
	if near := c.env.Catalogue().Nearest(name); near != "" {
		choice = append(choice, near)
	}
	c.p.Addf(path, codes.ReferenceUnknown, "there is no event type `%s`%s", name, document.DidYouMean(name, choice))
	return false
}

func (c *compiler) audience() {
	a := &c.live.Audience
	*a = Audience{Segment: c.def.Audience.Segment, Sample: 1, HoldOut: float64(c.def.Audience.HoldOut)}
	if a.Segment == "" {
		a.Segment = segment.Everyone
	}
	c.useSegment("audience.segment", a.Segment)
	if c.def.Audience.Sample != nil {
		a.Sample = float64(*c.def.Audience.Sample)
	}
	if a.Sample == 0 {
		c.bad("audience.sample", "a sample of 0 starts nothing; write a share such as 0.10, or leave it out")
	}
	if a.HoldOut == 1 {
		c.bad("audience.hold_out", "nobody would be followed up; hold out a share such as 0.10")
	}
}

func (c *compiler) preferences() {
	c.prefer = map[string][]policy.Window{}
	for channel, list := range c.def.Prefer {
		c.channel("prefer."+channel, channel)
		windows, err := rules.CompileWindows(list)
		c.p.AddAt("prefer."+channel, err)
		c.prefer[channel] = windows
	}
}

func (c *compiler) channel(path, name string) {
	if !slices.Contains(Channels(), name) {
		c.p.Addf(path, codes.ChannelUnknown, "there is no channel `%s`%s", name, document.DidYouMean(name, Channels()))
	}
}

func (c *compiler) step(i int) {
	def, at := &c.def.Steps[i], fmt.Sprintf("steps[%d]", i)
	s := Step{
		Channel: def.Channel, Purpose: def.Purpose, Mode: def.Mode, Tries: def.Tries, Prefer: c.prefer[def.Channel],
		Gap: def.Gap.Std(), Wait: def.Wait.Std(), Ring: def.Ring.Std(),
	}
	c.channel(at+".channel", def.Channel)
	if !slices.Contains(policy.PurposeNames(), def.Purpose) {
		c.bad(at+".purpose", "there is no purpose `%s`%s", def.Purpose, document.DidYouMean(def.Purpose, policy.PurposeNames()))
	}
	s.When = c.condition(at+".when", def.When, c.env, condition.Step, c.on)
	c.timing(&s, at)
	if def.Questionnaire != "" {
		q, e, err := c.questionnaire(def.Questionnaire)
		c.refer(at+".questionnaire", document.KindQuestionnaire, def.Questionnaire, err)
		if err == nil {
			c.pins.add(e)
			s.Questionnaire, s.QuestionnaireID = q, e.id
			c.asks = append(c.asks, q)
		}
	}
	if def.Channel == phone {
		c.call(&s, def, at)
	} else {
		c.message(&s, def, at)
	}
	s.UsesFacts = asksFacts(s.When.FactTypes(), s.When.Segments())
	if s.Template != nil {
		s.UsesFacts = s.UsesFacts || asksFacts(s.Template.FactTypes(), s.Template.Segments())
	}
	c.live.Steps = append(c.live.Steps, s)
}

func asksFacts(types, segments []string) bool { return len(types)+len(segments) > 0 }

func (c *compiler) timing(s *Step, at string) {
	switch {
	case s.Tries == 0:
		s.Tries = 1
	case s.Tries < 0 || s.Tries > TriesMax:
		c.bad(at+".tries", "a step is tried between 1 and %d times", TriesMax)
	}
	if s.Tries > 1 && s.Gap <= 0 {
		c.bad(at+".gap", "tries need a gap between them, such as `gap: 18h`")
	}
	if s.Tries == 1 && s.Gap > 0 {
		c.bad(at+".gap", "a gap stands between tries, and there is one try; add `tries: 2`, or leave the gap out and `wait` before the next step")
	}
}

// call checks what a step by phone needs.
func (c *compiler) call(s *Step, def *StepDefinition, at string) {
	if def.Template != "" {
		c.bad(at+".template", "a call has a script, not a template; write `script: %s`", def.Template)
	}
	if def.Script == "" {
		c.bad(at+".script", "a call needs a script: what the agent says")
	} else {
		script, e, err := c.script(def.Script, c.on)
		c.refer(at+".script", document.KindScript, def.Script, err)
		if err == nil {
			c.pins.add(e)
			s.Script = script
		}
	}
	if s.Mode == "" {
		s.Mode = modes[0]
	}
	if !slices.Contains(modes, s.Mode) {
		c.bad(at+".mode", "there is no mode `%s`%s", s.Mode, document.DidYouMean(s.Mode, modes))
	}
	if s.Ring == 0 {
		s.Ring = ringDefault
	}
	if s.Ring > RingMax {
		c.bad(at+".ring", "a phone rings for at most %s", RingMax)
	}
}

// message checks what a step that sends a text needs.
func (c *compiler) message(s *Step, def *StepDefinition, at string) {
	for key, wrong := range map[string]bool{"script": def.Script != "", "mode": def.Mode != "", "ring": def.Ring != 0} {
		if wrong {
			c.bad(at+"."+key, "only a step by phone has a %s; leave it out, or write `channel: phone`", key)
		}
	}
	if def.Template == "" {
		if def.Questionnaire == "" {
			c.bad(at, "the step says nothing; name a template, or a questionnaire to invite to")
		}
		return
	}
	t, e, err := c.template(def.Template, c.on)
	c.refer(at+".template", document.KindTemplate, def.Template, err)
	if err != nil {
		return
	}
	c.pins.add(e)
	s.Template = t
	for _, name := range t.Segments() {
		c.useSegment(at+".template", name)
	}
	c.live.FactTypes = append(c.live.FactTypes, t.FactTypes()...)
	switch {
	case !t.For(def.Channel):
		c.bad(at+".template", "the template `%s` isn't written for %s; add it to the template's channels", def.Template, def.Channel)
	case t.Uses("agent"):
		c.bad(at+".template", "the template `%s` speaks of an agent, and nobody calls here; that belongs in a script", def.Template)
	case t.Uses("link") && def.Questionnaire == "":
		c.bad(at+".template", "the template `%s` shows {{ link }}, and the step has no questionnaire to link to; name one", def.Template)
	case !t.Uses("link") && def.Questionnaire != "":
		c.bad(at+".template", "the step asks for an answer, and the template `%s` never shows {{ link }}; add it, or leave the template out", def.Template)
	}
}

func (c *compiler) onAnswer() {
	if len(c.def.OnAnswer) > OnAnswersMax {
		c.bad("on_answer", "at most %d rules on answers", OnAnswersMax)
		return
	}
	env := c.env
	scored := false
	if len(c.asks) > 0 {
		env = env.WithAnswers(c.asks[0].Fields())
	}
	for _, q := range c.asks {
		scored = scored || q.Score() != ""
		if q.Name != c.asks[0].Name {
			env = c.env // several questionnaires: answers aren't typed
		}
	}
	for i, def := range c.def.OnAnswer {
		at := fmt.Sprintf("on_answer[%d]", i)
		when := c.condition(at+".when", def.When, env, condition.OnAnswer, "")
		rule := OnAnswer{When: when}
		switch {
		case len(c.asks) == 0:
			c.bad(at, "no step asks for an answer; name a questionnaire in one of them")
		case when.Uses("score") && !scored:
			c.bad(at+".when", "no questionnaire of the program has a question with `score: true`")
		case def.OpenCase == nil:
			c.bad(at, "say what should follow, such as `open_case: {severity: high, topic: payment}`")
		case !slices.Contains(severities, def.OpenCase.Severity):
			c.bad(at+".open_case.severity", "there is no severity `%s`%s", def.OpenCase.Severity, document.DidYouMean(def.OpenCase.Severity, severities))
		default:
			rule.OpenCase = &OpenCase{def.OpenCase.Severity, def.OpenCase.Topic}
		}
		c.live.OnAnswer = append(c.live.OnAnswer, rule)
	}
}

func (c *compiler) measure() {
	m := c.def.Measure
	if m == nil {
		return
	}
	if c.eventType("measure.event", m.Event) {
		c.live.Measure = Measure{Event: m.Event, Within: m.Within.Std()}
	}
	if m.Within <= 0 || m.Within.Std() > MeasureMax {
		c.bad("measure.within", "say within what time it counts, at most %s, such as `within: 7d`", document.Duration(MeasureMax))
	}
}

// canRun refuses a program that could never start before its deadline, or that its rules never allow.
func (c *compiler) canRun() {
	deadline := c.live.Deadline
	earliest := c.live.Trigger.Delay
	if earliest >= deadline {
		c.p.Addf("trigger.delay", codes.ProgramCannotRun, "nothing could ever start: the delay is %s and the deadline %s; shorten the one or lengthen the other",
			document.Duration(earliest).Words(), document.Duration(deadline).Words())
		return
	}
	for i := range c.live.Steps {
		s, at := &c.live.Steps[i], fmt.Sprintf("steps[%d]", i)
		last := earliest + time.Duration(s.Tries-1)*s.Gap
		switch {
		case earliest > deadline:
			c.p.Addf(at, codes.ProgramCannotRun, "the step could start %s after the event at the earliest, and the deadline is %s; "+
				"shorten the waits before it, or lengthen the deadline", document.Duration(earliest).Words(), document.Duration(deadline).Words())
		case last > deadline:
			c.p.Addf(at+".tries", codes.ProgramCannotRun, "try %d could start %s after the event at the earliest, and the deadline is %s; "+
				"take fewer tries, or a shorter gap", s.Tries, document.Duration(last).Words(), document.Duration(deadline).Words())
		}
		if d, never := c.rules.Never(s.Channel, s.Purpose, s.Ring, c.now); never {
			c.p.Addf(at, codes.ProgramCannotRun, "no rule ever allows %s for %s: %s (%s); change the step, or the rule `%s`",
				s.Channel, s.Purpose, strings.TrimSuffix(d.Reason.Sentence(document.En), "."), d.Reason, d.Rule)
		}
		if s.When == nil { // a step with a condition may be passed over at once
			earliest += s.Wait
		}
	}
}

// notConnected names the first of a program's channels that isn't connected.
func notConnected(l *Live, connected []string) error {
	for i, s := range l.Steps {
		if !slices.Contains(connected, s.Channel) {
			return errs.New(errs.Conflict, codes.PublishingNotPossible, "the channel %s isn't connected; connect it, or take the step out. Connected: %s",
				s.Channel, strings.Join(connected, ", ")).At(fmt.Sprintf("steps[%d].channel", i))
		}
	}
	return nil
}
