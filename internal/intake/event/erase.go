package event

import "github.com/huiyin/huiyin/internal/platform/db"

// OfSubjects gives the events after one number and up to another that are
// about one of the subjects. The log has no index on them: the stretch is bounded by who asks.
func OfSubjects(tx *db.Tx, subjects []string, after, upTo int64) ([]Event, error) {
	return db.All(tx, scanEvent, selectEvents+`WHERE seq > $1 AND seq <= $2 AND subject = ANY($3) ORDER BY seq`, after, upTo, subjects)
}

// Blank takes out of events what they told and about whom. They stay in their places; those
// still to be routed are about nobody then.
func Blank(tx *db.Tx, events []Event, subject string) error {
	_, err := tx.Each(`UPDATE event_log SET subject = $2, data = '{}' WHERE seq = $1`, len(events), func(i int) []any {
		return []any{events[i].Seq, subject}
	})
	return err
}
