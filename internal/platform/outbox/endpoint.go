package outbox

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

const (
	endpointsMost = 32 // each has connections of its own
	urlBytesMost  = 2_000
	overlapMost   = 30 * 24 * time.Hour
)

// The states of an endpoint.
const (
	Active   = "active"
	Disabled = "disabled"
)

// Endpoint is a place of the wallet's that is told.
type Endpoint struct {
	ID            int64
	Name, URL     string
	Kinds         []Kind // none: every one
	State         string
	Reason        codes.Reason // why it is disabled
	Generation    int          // how often its secret was changed
	PreviousUntil time.Time    // till then the secret before signs too
	HeldUntil     time.Time    // it asked to be left alone till then
	CreatedAt     time.Time
}

// Keys are the secrets that sign for the endpoint now, the newest first.
func (e *Endpoint) Keys(k *crypt.Keyring, now time.Time) [][]byte {
	keys := [][]byte{Secret(k, e.ID, e.Generation)}
	if now.Before(e.PreviousUntil) {
		keys = append(keys, Secret(k, e.ID, e.Generation-1))
	}
	return keys
}

var endpointName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// check says what is wrong with an endpoint to be. Where the URL leads is judged when it is dialled.
func (e *Endpoint) check() error {
	u, err := url.Parse(e.URL)
	switch {
	case !endpointName.MatchString(e.Name) || len(e.Name) > 64:
		return errs.New(errs.Invalid, codes.NameInvalid, "%.70q is no name for an endpoint; write it as wallet-backend", e.Name).At("name")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(e.URL) > urlBytesMost:
		return errs.New(errs.Invalid, codes.FieldInvalid, "the address is none that can be posted to; write it as https://wallet.example/huiyin").At("url")
	case u.User != nil || u.Fragment != "":
		return errs.New(errs.Invalid, codes.FieldInvalid, "the address must hold no login and no #; requests are signed, which is the login").At("url")
	}
	for _, k := range e.Kinds {
		if !slices.Contains(kinds, k) {
			return errs.New(errs.Invalid, codes.FieldInvalid, "there is no kind %.60q; the kinds are %v", string(k), kinds).At("kinds")
		}
	}
	return nil
}

const endpointColumns = `id, name, url, kinds, state, reason, generation, previous_until, held_until, created_at`

func scanEndpoint(r *db.Rows) (Endpoint, error) {
	var e Endpoint
	var kinds string
	var previous, held, created int64
	err := r.Scan(&e.ID, &e.Name, &e.URL, &kinds, &e.State, &e.Reason, &e.Generation, &previous, &held, &created)
	e.Kinds = split(kinds)
	e.PreviousUntil, e.HeldUntil, e.CreatedAt = db.Time(previous), db.Time(held), db.Time(created)
	return e, err
}

// Endpoints lists them by name.
func Endpoints(tx *db.Tx) ([]Endpoint, error) {
	return db.All(tx, scanEndpoint, `SELECT `+endpointColumns+` FROM webhook_endpoint ORDER BY name LIMIT $1`, endpointsMost)
}

// Named finds an endpoint.
func Named(tx *db.Tx, name string) (Endpoint, error) {
	all, err := db.All(tx, scanEndpoint, `SELECT `+endpointColumns+` FROM webhook_endpoint WHERE name = $1`, name)
	if err == nil && len(all) == 0 {
		err = errs.New(errs.NotFound, codes.NotFound, "there is no endpoint %.70q; `huiyin webhook list` gives them", name)
	}
	if err != nil {
		return Endpoint{}, err
	}
	return all[0], nil
}

// Create makes an endpoint; it is told of what happens from then on.
func Create(tx *db.Tx, source *ids.Source, e Endpoint, now time.Time) (Endpoint, error) {
	if err := e.check(); err != nil {
		return e, err
	}
	var n int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM webhook_endpoint`).Scan(&n); err != nil {
		return e, err
	}
	if n >= endpointsMost {
		return e, errs.New(errs.Conflict, codes.Conflict, "there are %d endpoints, the most there may be; remove one first", n)
	}
	e.ID, e.State, e.Generation, e.CreatedAt = source.Next(), Active, 1, now
	made, err := tx.Exec(`INSERT INTO webhook_endpoint (id, name, url, kinds, state, generation, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (name) DO NOTHING`, e.ID, e.Name, e.URL, join(e.Kinds), e.State, e.Generation, db.Millis(now))
	if err == nil && made == 0 {
		err = errs.New(errs.Conflict, codes.Conflict, "there is an endpoint %s already; choose another name, or remove that one", e.Name).At("name")
	}
	return e, err
}

// Rotate gives an endpoint a new secret; the one before signs too for a while, so that
// the receiver can change it without losing anything. 0: it is known to others and ends at once.
func Rotate(tx *db.Tx, name string, overlap time.Duration, now time.Time) (Endpoint, error) {
	if overlap < 0 || overlap > overlapMost {
		return Endpoint{}, errs.New(errs.Invalid, codes.FieldInvalid, "the secret before may go on for 0 to %v", overlapMost).At("overlap")
	}
	until := int64(0)
	if overlap > 0 {
		until = db.Millis(now.Add(overlap))
	}
	if _, err := tx.Exec(`UPDATE webhook_endpoint SET generation = generation + 1, previous_until = $2 WHERE name = $1`, name, until); err != nil {
		return Endpoint{}, err
	}
	return Named(tx, name)
}

// Disable stops what is sent to an endpoint; what waits goes on waiting.
func Disable(tx *db.Tx, name string, why codes.Reason) (Endpoint, error) {
	if _, err := tx.Exec(`UPDATE webhook_endpoint SET state = 'disabled', reason = $2 WHERE name = $1 AND state = 'active'`, name, string(why)); err != nil {
		return Endpoint{}, err
	}
	return Named(tx, name)
}

// Enable lets a disabled endpoint be told again.
func Enable(tx *db.Tx, name string) (Endpoint, error) {
	if _, err := tx.Exec(`UPDATE webhook_endpoint SET state = 'active', reason = '', held_until = 0 WHERE name = $1`, name); err != nil {
		return Endpoint{}, err
	}
	return Named(tx, name)
}

// Hold leaves an endpoint alone for a while.
func Hold(tx *db.Tx, id int64, until time.Time) error {
	_, err := tx.Exec(`UPDATE webhook_endpoint SET held_until = $2 WHERE id = $1 AND held_until < $2`, id, db.Millis(until))
	return err
}

// Remove ends an endpoint and everything that waits for it. What was tried is forgotten with time.
func Remove(tx *db.Tx, name string) (Endpoint, error) {
	e, err := Named(tx, name)
	if err != nil {
		return e, err
	}
	if _, err := tx.Exec(`DELETE FROM webhook_endpoint WHERE id = $1`, e.ID); err != nil {
		return e, err
	}
	_, err = tx.Exec(`UPDATE webhook_delivery SET state = 'dropped', epoch = epoch + 1 WHERE endpoint_id = $1 AND state = 'waiting'`, e.ID)
	return e, err
}

// errNoDelivery is shared by those who look one up.
func errNoDelivery(id int64) error {
	return errs.New(errs.NotFound, codes.NotFound, "the endpoint has no delivery %d; `huiyin webhook log` gives them", id)
}

func ignoreNone(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	return err
}
