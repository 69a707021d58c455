package oracle

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// The names of the promises, as docs/reliability.md gives them.
const (
	Once    = "I1-once"
	Will    = "I2-will"
	Hours   = "I3-hours"
	Caps    = "I4-caps"
	Durable = "I5-durable"
	HeldOut = "I9-held-out"
	Account = "I13-account"
	Held    = "pause"
)

const (
	willSlack = time.Second // a send that had looked before the refusal was durable may still leave
	capSlack  = time.Minute // caps count from the record, the log from the first byte
)

const notice = "notice"

// tellingMin is how many notices there must be before their absence says something.
const tellingMin = 20

// Judge finds every broken promise of a run.
func Judge(c *Case) []Violation {
	j := &judge{Case: c, byAddress: addresses(c.People)}
	byKey := map[string][]*Write{}
	byStep := map[string][]*Write{}
	for i := range c.Writes {
		w := &c.Writes[i]
		j.write(w)
		if w.Delivered.IsZero() {
			continue
		}
		byKey[w.Channel+" "+w.Key] = append(byKey[w.Channel+" "+w.Key], w)
		step := fmt.Sprintf("%s/%d/%s", w.Tag.Program, w.Tag.Step, w.Tag.Matter)
		byStep[step] = append(byStep[step], w)
	}
	j.once(byKey, byStep)
	j.caps()
	j.told()
	j.promises()
	j.accounts()
	slices.SortStableFunc(j.found, func(a, b Violation) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Invariant, b.Invariant), cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Text, b.Text))
	})
	return j.found
}

type judge struct {
	*Case
	byAddress map[string][]addressed
	found     []Violation
}

func (j *judge) say(invariant, ref string, at time.Time, format string, a ...any) {
	j.found = append(j.found, Violation{Invariant: invariant, Ref: ref, At: at, Text: fmt.Sprintf(format, a...)})
}

// write judges one line by itself.
func (j *judge) write(w *Write) {
	p, program := j.People[w.Tag.Ref()], j.Programs[w.Tag.Program]
	if p == nil || program == nil || w.Tag.Step >= len(program.Steps) {
		j.say(Account, "", w.At, "a message belongs to nothing the world knows: %+v", w.Tag)
		return
	}
	purpose := program.Steps[w.Tag.Step].Purpose
	j.refused(w, p, purpose)
	j.hours(w, p)
	if purpose != notice && program.Control(p.Ref) {
		j.say(HeldOut, p.Ref, w.At, "%s is held out of %s and was sent its step %d (%s)", p.Ref, program.Name, w.Tag.Step+1, purpose)
	}
	for _, h := range program.Pauses {
		if w.At.After(h.From.Add(willSlack)) && (h.Until.IsZero() || w.At.Before(h.Until)) {
			j.say(Held, p.Ref, w.At, "%s was held or stopped since %s", program.Name, stamp(h.From))
		}
	}
}

// refused looks for a no that stood when the first byte left: the customer's own, or
// that of anybody who has the address.
func (j *judge) refused(w *Write, p *Person, purpose string) {
	for i := range p.Refusals {
		if r := &p.Refusals[i]; !r.Stranger {
			j.against(w, p, purpose, r, p.Ref)
		}
	}
	for _, a := range j.byAddress[w.To] {
		if a.by != p || a.Stranger {
			j.against(w, p, purpose, a.Refusal, a.by.Ref)
		}
	}
}

// addressed is a refusal that closes an address, and whose it is.
type addressed struct {
	*Refusal
	by *Person
}

func addresses(people map[string]*Person) map[string][]addressed {
	out := map[string][]addressed{}
	for _, ref := range sorted(people) {
		p := people[ref]
		for i := range p.Refusals {
			if r := &p.Refusals[i]; r.Address != "" {
				out[r.Address] = append(out[r.Address], addressed{r, p})
			}
		}
	}
	return out
}

func (j *judge) against(w *Write, p *Person, purpose string, r *Refusal, by string) {
	if !r.covers(w, purpose) || !w.At.After(r.From.Add(willSlack)) || !r.Until.IsZero() && w.At.After(r.Until) {
		return
	}
	j.say(Will, p.Ref, w.At, "%s by %s for %s, %s after %s refused (%s, %s, %q)",
		p.Ref, w.Channel, purpose, w.At.Sub(r.From).Round(time.Millisecond), by, r.Channel, r.Purpose, r.Words)
}

// Latest is how long after a durable refusal that it should have heeded the latest first
// byte left, within what is tolerated.
func Latest(c *Case) (latest time.Duration) {
	for i := range c.Writes {
		w := &c.Writes[i]
		p, program := c.People[w.Tag.Ref()], c.Programs[w.Tag.Program]
		if p == nil || program == nil || w.Tag.Step >= len(program.Steps) {
			continue
		}
		for k := range p.Refusals {
			r := &p.Refusals[k]
			late := w.At.Sub(r.From)
			if !r.Stranger && r.covers(w, program.Steps[w.Tag.Step].Purpose) && late <= willSlack && (r.Until.IsZero() || w.At.Before(r.Until)) {
				latest = max(latest, late)
			}
		}
	}
	return latest
}

func (r *Refusal) covers(w *Write, purpose string) bool {
	return (r.Channel == "*" || r.Channel == w.Channel) && (r.Purpose == "*" || r.Purpose == purpose)
}

// hours judges by the place that was durable a moment before, or has become so since,
// and lets a message through that left in the second in which the hours ended.
func (j *judge) hours(w *Write, p *Person) {
	var zone string
	for _, moment := range []time.Time{w.At, w.At.Add(-willSlack)} {
		place := p.at(moment)
		zone = place.closed(w.At)
		if zone != "" {
			zone = place.closed(w.At.Add(-willSlack))
		}
		if zone == "" && p.Own != nil && !p.Own.open(w.At) && !p.Own.open(w.At.Add(-willSlack)) {
			zone = p.Own.Zone
		}
		if zone == "" {
			return
		}
	}
	j.say(Hours, p.Ref, w.At, "%s by %s at %s in %s", p.Ref, w.Channel, w.At.In(location(zone)).Format("Mon 15:04:05"), zone)
}

func (p *Person) at(t time.Time) Place {
	place := p.Places[0]
	for _, x := range p.Places[1:] {
		if !x.From.After(t) {
			place = x
		}
	}
	return place
}

func (o *Own) open(at time.Time) bool {
	local := at.In(location(o.Zone))
	minute := local.Hour()*60 + local.Minute()
	return minute >= o.From && minute < o.To
}

// once: a key reaches its customer once, and a step no more often than it may be tried.
func (j *judge) once(byKey, byStep map[string][]*Write) {
	for _, key := range sorted(byKey) {
		if all := byKey[key]; len(all) > 1 {
			j.say(Once, all[0].Tag.Ref(), all[1].At, "%d deliveries under one key, %s", len(all), key)
		}
	}
	for _, step := range sorted(byStep) {
		all := byStep[step]
		tries := j.Programs[all[0].Tag.Program]
		if tries == nil || all[0].Tag.Step >= len(tries.Steps) {
			continue
		}
		if most := tries.Steps[all[0].Tag.Step].Tries; len(all) > most {
			j.say(Once, all[0].Tag.Ref(), all[most].At, "%s was delivered %d times; it may be %d", step, len(all), most)
		}
	}
}

// caps counts again: per person over all channels, and per address over all persons.
// A follow-up counts once, when it first reached somebody, or a provider first said so.
func (j *judge) caps() {
	for _, c := range j.Caps {
		byPerson, byAddress := map[string][]*Write{}, map[string][]*Write{}
		seen := map[string]bool{}
		for i := range j.Writes {
			w := &j.Writes[i]
			program := j.Programs[w.Tag.Program]
			if w.Delivered.IsZero() && !w.Claimed || program == nil || w.Tag.Step >= len(program.Steps) || program.Steps[w.Tag.Step].Purpose != c.Purpose {
				continue
			}
			matter := w.Tag.Program + "/" + w.Tag.Matter
			if !seen[matter] {
				byPerson[w.Tag.Ref()] = append(byPerson[w.Tag.Ref()], w)
			}
			if !seen[matter+w.To] {
				byAddress[w.To] = append(byAddress[w.To], w)
			}
			seen[matter], seen[matter+w.To] = true, true
		}
		j.cap(c, "the person", byPerson)
		j.cap(c, "the address", byAddress)
	}
}

func (j *judge) cap(c Cap, whose string, by map[string][]*Write) {
	for _, who := range sorted(by) {
		all := by[who]
		for i := c.N; i < len(all); i++ {
			if apart := all[i].At.Sub(all[i-c.N].At); apart < c.Per-capSlack {
				j.say(Caps, all[i].Tag.Ref(), all[i].At, "%s %s got %d of %s within %s; %d per %s are allowed",
					whose, who, c.N+1, c.Purpose, apart.Round(time.Second), c.N, c.Per)
			}
		}
	}
}

// told: who is held out still gets the notices, as far as one can tell from how many do.
func (j *judge) told() {
	for _, name := range sorted(j.Programs) {
		p := j.Programs[name]
		var heldOut, others int
		for i := range j.Writes {
			w := &j.Writes[i]
			if w.Tag.Program != name || w.Delivered.IsZero() || w.Tag.Step >= len(p.Steps) || p.Steps[w.Tag.Step].Purpose != notice {
				continue
			}
			if p.Control(w.Tag.Ref()) {
				heldOut++
			} else {
				others++
			}
		}
		if p.ControlMatters >= tellingMin && others >= tellingMin && heldOut == 0 {
			j.say(HeldOut, "", time.Time{}, "%s: none of %d matters of people held out was told to them; others were told %d", name, p.ControlMatters, others)
		}
	}
}

func (j *judge) promises() {
	for _, p := range j.Promised {
		if !j.Kept[p] {
			j.say(Durable, "", time.Time{}, "acknowledged and not there: %s", p)
		}
	}
}

func (j *judge) accounts() {
	for _, c := range j.Counts {
		if c.True != c.Said && !(c.AtMost && c.Said < c.True) {
			j.say(Account, "", time.Time{}, "%s: %d in truth, %d by the product", c.What, c.True, c.Said)
		}
	}
	for _, s := range j.Said {
		j.say(Account, "", time.Time{}, "%s", s)
	}
}

// Control says whether a customer gets the notices and nothing else.
func (p *Program) Control(ref string) bool {
	if arm, assigned := p.Assigned[ref]; assigned {
		return arm
	}
	return p.HoldOut > 0 && Lot("hold-out:"+p.Name, ref) < p.HoldOut
}

// Lot draws a customer's lot from its definition: the first 53 bits of SHA-256 over
// the salt's length in eight bytes, the salt and the customer, as a share of one.
func Lot(salt, ref string) float64 {
	text := binary.BigEndian.AppendUint64(nil, uint64(len(salt)))
	sum := sha256.Sum256(append(append(text, salt...), ref...))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / float64(uint64(1)<<53)
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }
