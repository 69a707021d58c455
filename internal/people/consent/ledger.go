package consent

import (
	"cmp"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// The kinds of entries.
const (
	Consented = "consent"
	Withdrawn = "withdrawal"
	Refused   = "refusal"
)

// Entry is one line of a customer's ledger: what was said, when, how, in which words and to whom.
type Entry struct {
	ID       int64
	Kind     string // consent, withdrawal, refusal, or what a wish is about
	Channel  string
	Purpose  string
	Value    string // of a wish
	At       time.Time
	Recorded time.Time
	Source   string
	Wording  string
	Proof    string
	Actor    string
	Ended    time.Time // when a refusal was taken back
	Counts   bool      // it is what holds now
}

// Ledger is all that a customer allowed, refused and wished, the newest first.
func Ledger(tx *db.Tx, person int64) ([]Entry, error) {
	records, err := Records(tx, person)
	if err != nil {
		return nil, err
	}
	refusals, err := Refusals(tx, person)
	if err != nil {
		return nil, err
	}
	shared, err := fromAddresses(tx, person)
	if err != nil {
		return nil, err
	}
	wishes, err := Wishes(tx, person)
	if err != nil {
		return nil, err
	}
	all := make([]Entry, 0, len(records)+len(refusals)+len(wishes))
	for _, r := range records {
		e := Entry{ID: r.ID, Kind: Consented, Channel: r.Channel, Purpose: r.Purpose, At: r.At, Recorded: r.Recorded, Source: r.Source, Wording: r.Wording, Proof: r.Proof, Actor: r.Actor}
		if !r.Granted {
			e.Kind = Withdrawn
		}
		all = append(all, e)
	}
	for _, r := range append(refusals, shared...) {
		all = append(all, Entry{
			ID: r.ID, Kind: Refused, Channel: r.Channel, Purpose: r.Purpose, At: r.At, Recorded: r.Recorded, Source: r.Source,
			Wording: r.Wording, Proof: r.Words, Actor: r.Actor, Ended: r.Lifted, Counts: r.Lifted.IsZero(),
		})
	}
	for _, w := range wishes {
		all = append(all, Entry{
			ID: w.ID, Kind: w.What, Value: w.Value, At: w.At, Recorded: w.Recorded, Source: w.Source, Wording: w.Wording, Proof: w.Proof, Actor: w.Actor,
		})
	}
	markCounting(all)
	slices.SortStableFunc(all, func(a, b Entry) int { return cmp.Compare(b.ID, a.ID) })
	return all, nil
}

// markCounting marks, of consents and wishes about the same thing, the one that holds.
func markCounting(all []Entry) {
	type about struct{ kind, channel, purpose string }
	latest := map[about]int{}
	for i := range all {
		e := &all[i]
		key := about{e.Kind, e.Channel, e.Purpose}
		switch e.Kind {
		case Refused, Lifted, NotTheirs:
			continue
		case Consented, Withdrawn:
			key.kind = Consented
		}
		if at, met := latest[key]; !met || later(e, &all[at]) {
			latest[key] = i
		}
	}
	for _, i := range latest {
		all[i].Counts = true
	}
}

// later says which of two entries counts: the later one; of two at one instant a withdrawal,
// and else the one recorded last.
func later(a, b *Entry) bool {
	switch {
	case !a.At.Equal(b.At):
		return a.At.After(b.At)
	case a.Kind != b.Kind:
		return a.Kind == Withdrawn
	}
	return a.ID > b.ID
}
