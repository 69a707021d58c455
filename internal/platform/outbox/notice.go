package outbox

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// dataBytesMax bounds what one notice says.
const dataBytesMax = 8 << 10

// Kind is what a notice is about. On the wire it stands behind "huiyin.".
type Kind string

// The kinds.
const (
	FollowUpStarted    Kind = "follow-up.started"
	FollowUpEnded      Kind = "follow-up.ended" // once more, with state answered, when an answer comes after another end
	ContactAccepted    Kind = "contact.accepted"
	ContactUndelivered Kind = "contact.undelivered"
	AnswerCompleted    Kind = "answer.completed"
	ReplyReceived      Kind = "reply.received"
	FeedbackReceived   Kind = "feedback.received"
	RefusalRecorded    Kind = "refusal.recorded"
	RefusalWithdrawn   Kind = "refusal.withdrawn"
	CustomerErased     Kind = "customer.erased"
	RewardDue          Kind = "reward.due"
	ProgramPublished   Kind = "program.published"
	ProgramPaused      Kind = "program.paused"
	ProgramResumed     Kind = "program.resumed"
	ProgramStopped     Kind = "program.stopped"
	WebhookTest        Kind = "webhook.test" // somebody pressed the button; every endpoint takes it
)

// kinds are those an endpoint may ask for.
var kinds = []Kind{
	FollowUpStarted, FollowUpEnded, ContactAccepted, ContactUndelivered, AnswerCompleted, ReplyReceived, FeedbackReceived,
	RefusalRecorded, RefusalWithdrawn, CustomerErased, RewardDue, ProgramPublished, ProgramPaused, ProgramResumed, ProgramStopped,
}

// Kinds lists the kinds an endpoint may ask for.
func Kinds() []Kind { return slices.Clone(kinds) }

// Notice is one thing to tell.
type Notice struct {
	Kind     Kind
	Customer int64  // 0: that of the follow-up, or none
	FollowUp int64  // 0: it is about none
	Program  int64  // 0: it is about none
	Subject  string // the wallet's id, only where the customer's row is about to go; else it is looked up when sent
	At       time.Time
	Data     map[string]any // no names, no addresses, nothing a customer said
}

// Tell keeps notices in tx, those of kinds that some endpoint wants, a disabled one
// too: it may be sent them when it is well again. Of the others nothing is kept.
func Tell(tx *db.Tx, all ...Notice) error {
	if len(all) == 0 {
		return nil
	}
	wants, err := db.All(tx, func(r *db.Rows) (string, error) {
		var w string
		return w, r.Scan(&w)
	}, `SELECT kinds FROM webhook_endpoint`)
	if err != nil || len(wants) == 0 {
		return err
	}
	var keep []Notice
	var texts []string
	for i := range all {
		if !slices.ContainsFunc(wants, func(w string) bool { return wanted(w, all[i].Kind) }) {
			continue
		}
		text, err := all[i].encode()
		if err != nil {
			return err
		}
		keep, texts = append(keep, all[i]), append(texts, text)
	}
	_, err = tx.InsertEach(`INSERT INTO outbox (kind, customer_id, follow_up_id, program_id, subject, at, data) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		len(keep), func(i int) []any {
			n := &keep[i]
			return []any{string(n.Kind), n.Customer, n.FollowUp, n.Program, n.Subject, db.Millis(n.At), texts[i]}
		})
	return err
}

func (n *Notice) encode() (string, error) {
	if n.Data == nil {
		return "{}", nil
	}
	b, err := json.Marshal(n.Data)
	if err != nil {
		return "", errs.New(errs.Internal, codes.Internal, "a notice of %s can't be written as JSON", n.Kind).Because(err)
	}
	if len(b) > dataBytesMax {
		return "", errs.New(errs.Internal, codes.Internal, "a notice of %s takes %d bytes; %d are the most", n.Kind, len(b), dataBytesMax)
	}
	return string(b), nil
}

// Every kind, those to come too.
const every = "*"

// join writes kinds as the table holds them: each between spaces.
func join(all []Kind) string {
	if len(all) == 0 {
		return every
	}
	var b strings.Builder
	b.WriteByte(' ')
	for _, k := range all {
		b.WriteString(string(k) + " ")
	}
	return b.String()
}

func split(text string) []Kind {
	var all []Kind
	for word := range strings.FieldsSeq(text) {
		if word != every {
			all = append(all, Kind(word))
		}
	}
	return all
}

func wanted(text string, k Kind) bool {
	return text == every || strings.Contains(text, " "+string(k)+" ")
}
