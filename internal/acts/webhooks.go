package acts

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

// againAtOnce is how many notices one transaction sends again.
const againAtOnce = 1_000

// Webhook is an endpoint and how what it is told stands.
type Webhook struct {
	outbox.Endpoint
	Counts map[outbox.State]int64
}

// LoggedDelivery is one delivery, with what was tried.
type LoggedDelivery struct {
	outbox.Delivery
	Message string // what it is called on the wire
	Tries   []outbox.Try
}

// Webhooks lists the endpoints.
func (h *House) Webhooks(ctx context.Context) (all []Webhook, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		all = nil
		endpoints, err := outbox.Endpoints(tx)
		if err != nil {
			return err
		}
		counts, err := outbox.Counts(tx)
		for _, e := range endpoints {
			all = append(all, Webhook{e, counts[e.Name]})
		}
		return err
	})
	return all, err
}

// CreateWebhook makes an endpoint and gives its secret.
func (h *House) CreateWebhook(ctx context.Context, actor string, e outbox.Endpoint) (made outbox.Endpoint, secret string, err error) {
	err = h.webhook(ctx, actor, "webhook.create", e.Name, func(tx *db.Tx, now time.Time) (string, error) {
		made, err = outbox.Create(tx, h.IDs, e, now)
		return fmt.Sprint(e.Kinds), err
	})
	return made, h.webhookSecret(&made), err
}

// RotateWebhook gives an endpoint a new secret; the one before signs too for overlap.
func (h *House) RotateWebhook(ctx context.Context, actor, name string, overlap time.Duration) (e outbox.Endpoint, secret string, err error) {
	err = h.webhook(ctx, actor, "webhook.rotate", name, func(tx *db.Tx, now time.Time) (string, error) {
		e, err = outbox.Rotate(tx, name, overlap, now)
		return "overlap " + overlap.String(), err
	})
	return e, h.webhookSecret(&e), err
}

func (h *House) webhookSecret(e *outbox.Endpoint) string {
	return outbox.SpellSecret(outbox.Secret(h.Keys, e.ID, e.Generation))
}

// TurnWebhook disables or enables an endpoint.
func (h *House) TurnWebhook(ctx context.Context, actor, name string, on bool) error {
	if on {
		return h.webhook(ctx, actor, "webhook.enable", name, func(tx *db.Tx, _ time.Time) (string, error) {
			_, err := outbox.Enable(tx, name)
			return "", err
		})
	}
	return h.webhook(ctx, actor, "webhook.disable", name, func(tx *db.Tx, _ time.Time) (string, error) {
		_, err := outbox.Disable(tx, name, codes.EndpointDisabled)
		return "", err
	})
}

// RemoveWebhook ends an endpoint.
func (h *House) RemoveWebhook(ctx context.Context, actor, name string) error {
	return h.webhook(ctx, actor, "webhook.remove", name, func(tx *db.Tx, _ time.Time) (string, error) {
		_, err := outbox.Remove(tx, name)
		return "", err
	})
}

// TestWebhook tells an endpoint of nothing, to see whether it arrives. It gives the delivery's number.
func (h *House) TestWebhook(ctx context.Context, actor, name string) (id int64, err error) {
	err = h.webhook(ctx, actor, "webhook.test", name, func(tx *db.Tx, now time.Time) (string, error) {
		e, err := outbox.Named(tx, name)
		if err != nil {
			return "", err
		}
		id, err = outbox.Test(tx, e, now)
		return "", err
	})
	return id, err
}

// WebhookLog lists an endpoint's deliveries, the newest first, before one (0: the newest), of a state ("": any).
func (h *House) WebhookLog(ctx context.Context, name string, before int64, s outbox.State, limit int) (all []LoggedDelivery, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		all = nil
		e, err := outbox.Named(tx, name)
		if err != nil {
			return err
		}
		deliveries, err := outbox.Log(tx, e.ID, before, s, limit)
		if err != nil {
			return err
		}
		numbers := make([]int64, len(deliveries))
		for i := range deliveries {
			numbers[i] = deliveries[i].ID
		}
		tries, err := outbox.Tries(tx, numbers)
		for _, d := range deliveries {
			all = append(all, LoggedDelivery{d, outbox.MessageID(h.Keys, d.Notice, d.At), tries[d.ID]})
		}
		return err
	})
	return all, err
}

// ResendWebhook sends one delivery again, under the same id.
func (h *House) ResendWebhook(ctx context.Context, actor, name string, id int64) error {
	return h.webhook(ctx, actor, "webhook.replay", name, func(tx *db.Tx, now time.Time) (string, error) {
		e, err := outbox.Named(tx, name)
		if err != nil {
			return "", err
		}
		return "delivery " + strconv.FormatInt(id, 10), outbox.Again(tx, e.ID, id, now)
	})
}

// ResendWebhookSince sends what happened since a moment again; only what died or never
// was sent, if onlyDead. It says how many wait anew.
func (h *House) ResendWebhookSince(ctx context.Context, actor, name string, since time.Time, onlyDead bool) (n int64, err error) {
	for after := int64(0); ; {
		var last, some int64
		act := func(tx *db.Tx, now time.Time) (string, error) {
			e, err := outbox.Named(tx, name)
			if err != nil {
				return "", err
			}
			last, some, err = outbox.AgainSince(tx, e, since, onlyDead, now, after, againAtOnce)
			return fmt.Sprintf("since %s, after %d: %d", since.UTC().Format(time.RFC3339), after, some), err
		}
		if err := h.webhook(ctx, actor, "webhook.replay", name, act); err != nil {
			return n, err
		}
		if n += some; last == 0 {
			return n, nil
		}
		after = last
	}
}

// webhook runs one act on an endpoint with its line in the audit trail; the URL isn't in it.
func (h *House) webhook(ctx context.Context, actor, act, name string, fn func(tx *db.Tx, now time.Time) (detail string, err error)) error {
	return h.DB.Write(ctx, db.Outcome, "webhook", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		detail, err := fn(tx, now)
		if err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: actor, Act: act, Object: "webhook/" + name, Detail: detail})
	})
}
