package deliver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/outbox"
	"github.com/huiyin/huiyin/internal/platform/outward"
)

const (
	contentType    = "application/cloudevents+json; charset=utf-8"
	agent          = "Huiyin-Webhooks/1"
	typePrefix     = "huiyin."
	specVersion    = "1.0"
	answerBytesMax = 4 << 10 // read, so that the connection can be used again; 500 of them are kept
)

// event is the body of a request.
type event struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject,omitempty"` // the wallet's id of the customer
	Time        time.Time       `json:"time"`
	ContentType string          `json:"datacontenttype"`
	Program     string          `json:"program,omitempty"`
	Data        json.RawMessage `json:"data"`
}

// compose writes the bodies: with the customer's id as it is now, so that an erased one is in none.
func (d *Deliverer) compose(tx *db.Tx, all []*Sending) error {
	if len(all) == 0 {
		return nil
	}
	var followUps, customers, programs []int64
	for _, s := range all {
		x := &s.Delivery
		followUps, customers, programs = append(followUps, x.FollowUp), append(customers, x.Customer), append(programs, x.Program)
	}
	ofFollowUp, err := references(tx, `SELECT f.id, c.id, c.ref FROM follow_up f JOIN customer c ON c.id = f.customer_id WHERE f.id = ANY($1)`, followUps)
	if err != nil {
		return err
	}
	refs, err := references(tx, `SELECT id, id, ref FROM customer WHERE id = ANY($1)`, customers)
	if err != nil {
		return err
	}
	names, err := texts(tx, `SELECT id, name FROM program WHERE id = ANY($1)`, programs)
	if err != nil {
		return err
	}
	for _, s := range all {
		x := &s.Delivery
		subject := x.Subject
		switch {
		case subject != "":
		case x.Customer != 0:
			subject = refs[x.Customer]
		case x.FollowUp != 0:
			subject = ofFollowUp[x.FollowUp]
		}
		s.erased = subject == "" && (x.Customer != 0 || x.FollowUp != 0)
		s.ID = outbox.MessageID(d.Keys, x.Notice, x.At)
		if s.body, err = json.Marshal(event{
			SpecVersion: specVersion, ID: s.ID, Source: d.Source, Type: typePrefix + string(x.Kind), Subject: subject, Time: x.At,
			ContentType: "application/json", Program: names[x.Program], Data: json.RawMessage(x.Data),
		}); err != nil {
			return err
		}
	}
	return nil
}

// references gives the wallet's ids; an erased customer has none any more.
func references(tx *db.Tx, query string, ids []int64) (map[int64]string, error) {
	out := map[int64]string{}
	rows, err := tx.Query(query, ids)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, person int64
		var ref string
		if err := rows.Scan(&id, &person, &ref); err != nil {
			return nil, err
		}
		if ref != customer.ErasedRef(person) {
			out[id] = ref
		}
	}
	return out, rows.Err()
}

func texts(tx *db.Tx, query string, ids []int64) (map[int64]string, error) {
	out := map[int64]string{}
	rows, err := tx.Query(query, ids)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return nil, err
		}
		out[id] = text
	}
	return out, rows.Err()
}

// Send posts one and notes what came back in its Try. It touches no database.
func (d *Deliverer) Send(ctx context.Context, s *Sending) {
	if s.erased {
		return
	}
	began := d.Clock.Now()
	s.Try.At = began
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	err := d.post(ctx, s, began)
	s.Try.Millis = d.Clock.Now().Sub(began).Milliseconds()
	if err != nil {
		s.Try.Status, s.Try.Fault = 0, fault(err)
	}
}

func (d *Deliverer) post(ctx context.Context, s *Sending, now time.Time) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint.URL, bytes.NewReader(s.body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", agent)
	outbox.Sign(r.Header, s.Endpoint.Keys(d.Keys, now), s.ID, now, s.body)
	res, err := d.Client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it was read
	s.Try.Status = res.StatusCode
	s.Retry = retryAfter(res.StatusCode, res.Header.Get("Retry-After"), now)
	// The status is the answer; a body that breaks off changes nothing.
	answer, _ := io.ReadAll(io.LimitReader(res.Body, answerBytesMax))
	s.Try.Answer = string(answer)
	return nil
}

// fault says in a few words why there was no answer, without the address: it may hold a password of sorts.
func fault(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, outward.ErrInward):
		return "refused by us: " + outward.ErrInward.Error() + "; give a public address, or allow this one in webhooks.allow"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns):
		return "the name could not be resolved"
	default:
		return err.Error()
	}
}
