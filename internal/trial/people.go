package trial

import (
	"fmt"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/trial/oracle"
)

// person is one customer: what is true of them, what the wallet has told, and how they behave.
type person struct {
	oracle.Person
	w    *world
	kind archetype

	country string
	zones   []string
	has     []string
	phone   string
	mail    string
	known   bool // the wallet has told us of them
	matters int  // so far
	busy    int  // errands under way: an answer, a refusal that isn't acknowledged yet
	pages   map[string]bool

	story []line
}

// line is one line of a customer's story.
type line struct {
	at   time.Time
	text string
}

// archetype is how a customer lives and behaves.
type archetype struct {
	name     string
	weight   int
	country  string
	zones    []string
	moves    []string // zones they go to now and then
	late     bool     // the wallet tells of them only after their first events
	shares   bool     // their phone is somebody else's too
	couple   bool     // their mail is
	refuses  float64  // how often a message makes them refuse
	answers  float64  // how often a message with a link is answered
	scanner  bool     // their mail is opened by machines first
	own      bool     // they asked for hours of their own
	repents  bool     // they take refusals back after some days
	noApp    bool
	eventful float64 // times as many events as others
}

var archetypes = []archetype{
	{name: "Shanghai", weight: 5, country: "CN", zones: []string{"Asia/Shanghai"}, refuses: 0.02, answers: 0.7, eventful: 1},
	{name: "New York", weight: 3, country: "US", zones: []string{"America/New_York"}, refuses: 0.03, answers: 0.6, eventful: 1},
	{name: "Lord Howe", weight: 2, country: "AU", zones: []string{"Australia/Lord_Howe"}, refuses: 0.02, answers: 0.6, eventful: 1.5},
	{name: "St John's", weight: 2, country: "CA", zones: []string{"America/St_Johns"}, refuses: 0.02, answers: 0.6, scanner: true, eventful: 1},
	{name: "Apia", weight: 2, zones: []string{"Pacific/Apia"}, refuses: 0.02, answers: 0.6, eventful: 1},
	{name: "Casablanca", weight: 2, country: "MA", zones: []string{"Africa/Casablanca"}, refuses: 0.05, answers: 0.4, own: true, eventful: 1},
	{name: "Kathmandu", weight: 2, country: "NP", zones: []string{"Asia/Kathmandu"}, refuses: 0.02, answers: 0.6, eventful: 1},
	{name: "between two zones", weight: 2, zones: []string{"America/New_York", "America/Los_Angeles"}, refuses: 0.02, answers: 0.6, eventful: 1},
	{name: "somewhere in the US", weight: 1, country: "US", refuses: 0.02, answers: 0.6, eventful: 1},
	{name: "traveller", weight: 4, zones: []string{"Asia/Shanghai"}, moves: []string{"America/New_York", "Europe/London", "Asia/Shanghai", "Pacific/Apia", "America/Santiago"}, refuses: 0.02, answers: 0.6, eventful: 2},
	{name: "shares a phone", weight: 4, country: "CN", zones: []string{"Asia/Shanghai"}, shares: true, refuses: 0.05, answers: 0.6, repents: true, eventful: 1.5},
	{name: "shares a mailbox", weight: 3, country: "US", zones: []string{"America/Phoenix"}, couple: true, refuses: 0.05, answers: 0.6, scanner: true, repents: true, eventful: 1.5},
	{name: "refuses and repents", weight: 4, country: "CN", zones: []string{"Asia/Shanghai"}, refuses: 0.3, repents: true, answers: 0.6, eventful: 1.5},
	{name: "unknown at first", weight: 3, country: "CN", zones: []string{"Asia/Shanghai"}, late: true, refuses: 0.02, answers: 0.6, eventful: 1},
	{name: "without the app", weight: 2, country: "CN", zones: []string{"Asia/Urumqi"}, noApp: true, refuses: 0.02, answers: 0.6, scanner: true, eventful: 1},
}

// populate makes the customers, puts those the wallet knows into the database and draws some arms elsewhere.
func (w *world) populate() error {
	total := 0
	for _, a := range archetypes {
		total += a.weight
	}
	for i := range w.cfg.Customers {
		pick := w.rng.IntN(total)
		k := 0
		for ; pick >= archetypes[k].weight; k++ {
			pick -= archetypes[k].weight
		}
		w.people = append(w.people, w.birth(i, archetypes[k]))
	}
	const together = 500
	for all := range slices.Chunk(w.people, together) {
		var rows []*customer.Customer
		for _, p := range all {
			if p.known {
				rows = append(rows, p.record())
			}
		}
		if err := w.db.Write(w.ctx, db.Import, "people", func(tx *db.Tx) error { return w.put0(tx, rows) }); err != nil {
			return err
		}
	}
	return w.assign()
}

// put0 writes customers as the wallet describes them.
func (w *world) put0(tx *db.Tx, rows []*customer.Customer) error {
	for _, c := range rows {
		if err := customer.Normalise(c, w.keys, w.now()); err != nil {
			return err
		}
	}
	_, err := customer.Upsert(tx, w.vault, w.ids, rows, w.now())
	return err
}

func (w *world) birth(i int, a archetype) *person {
	p := &person{w: w, kind: a, country: a.country, zones: a.zones, known: !a.late, pages: map[string]bool{}}
	p.Ref = fmt.Sprintf("c%d", i)
	p.phone = fmt.Sprintf("+86138%08d", i)
	p.mail = fmt.Sprintf("c%d@example.com", i)
	if twin := w.like(a.name); twin != nil && a.shares {
		p.phone = twin.phone
	} else if twin != nil && a.couple {
		p.mail = twin.mail
	}
	if !a.noApp {
		p.has = []string{"app"}
	}
	if a.own {
		p.Own = &oracle.Own{Zone: a.zones[0], From: 17 * 60, To: 21 * 60}
	}
	p.Places = []oracle.Place{{From: w.start, Country: p.country, Zones: p.zones}}
	w.byRef[p.Ref] = p
	for _, lane := range lanes {
		w.byAddress[p.address(lane)] = append(w.byAddress[p.address(lane)], p)
	}
	p.say("%s, %s %v", a.name, p.country, p.zones)
	return p
}

// like gives an earlier customer of a kind, to share something with.
func (w *world) like(kind string) *person {
	for i := len(w.people) - 1; i >= 0; i-- {
		if w.people[i].kind.name == kind {
			return w.people[i]
		}
	}
	return nil
}

// address is where a channel reaches them.
func (p *person) address(lane string) string {
	switch lane {
	case keyed:
		return p.phone
	case asked:
		return p.mail
	default:
		return lane + "-" + p.Ref
	}
}

// record is what the wallet tells of them now.
func (p *person) record() *customer.Customer {
	c := &customer.Customer{Ref: p.Ref, Known: true, Name: "Mary Poppins", Language: "en", Country: p.country, Zones: slices.Clone(p.zones), Has: slices.Clone(p.has)}
	for _, lane := range lanes {
		kind := customer.PointKind(lane)
		c.Points = append(c.Points, customer.Point{Channel: kind, Address: p.address(lane), Verified: true})
	}
	if p.Own != nil {
		c.Own = &policy.OwnHours{Zone: p.Own.Zone, Windows: []policy.Window{{Days: policy.AllDays, Hours: []policy.Span{{From: p.Own.From, To: p.Own.To}}}}}
	}
	return c
}

// assign draws arms elsewhere for some customers of the programs that take them, and imports them.
func (w *world) assign() error {
	set, err := w.lib.Set(w.ctx)
	if err != nil {
		return err
	}
	for _, x := range set.Published() {
		r := w.running(x.Live.Name)
		if !r.assigned {
			continue
		}
		var rows []study.Assignment
		for _, p := range w.people {
			if w.chance(0.3) {
				control := w.chance(0.5)
				r.truth.Assigned[p.Ref] = control
				rows = append(rows, study.Assignment{Ref: p.Ref, Arm: map[bool]string{true: "letter", false: "call"}[control], Control: control, At: w.start})
			}
		}
		plan := study.Plan{Program: x.Live.ID, Within: x.Live.Measure.Within}
		err := w.db.Write(w.ctx, db.Import, "assign", func(tx *db.Tx) error {
			done, err := study.ImportAssignments(tx, w.ids, plan, rows, w.now())
			if err == nil && len(done.Refused) > 0 {
				err = done.Refused[0].Err
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) running(name string) *running {
	for _, r := range w.programs {
		if r.name == name {
			return r
		}
	}
	return nil
}

// busyPeople counts errands that aren't done yet.
func (w *world) busyPeople() int {
	n := 0
	for _, p := range w.people {
		n += p.busy
	}
	return n
}

// say adds a line to a customer's story.
func (p *person) say(format string, a ...any) {
	p.story = append(p.story, line{p.w.now(), fmt.Sprintf(format, a...)})
}

// note is say, for whoever a message is for.
func (w *world) note(text, format string, a ...any) {
	tag, ok := oracle.ReadTag(text)
	if !ok {
		return
	}
	if p := w.byRef[tag.Ref()]; p != nil {
		p.say("  %s/%d/%s: "+format, append([]any{tag.Program, tag.Step + 1, tag.Matter}, a...)...)
	}
}
