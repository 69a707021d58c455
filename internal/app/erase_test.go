package app

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// What is planted and must be in no file afterwards.
const (
	plantedName  = "欧阳测试人"
	plantedPhone = "13911112222"
	plantedMail  = "canary.bird@example.com"
	plantedWord  = "PLANTED-IN-AN-EVENT"
	plantedSaid  = "PLANTED-WHEN-REFUSING"
)

// node is a house in files, opened and closed as a server is.
type node struct {
	t      *testing.T
	cfg    Config
	folder string // of the SQLite files
}

func (n *node) open(fn func(a *App)) {
	n.t.Helper()
	a, err := New(n.t.Context(), n.cfg, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		n.t.Fatal(err)
	}
	n.must(a.Eraser.CatchUp(n.t.Context()))
	fn(a)
	n.must(a.Close())
}

func (n *node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) put(a *App, ref, phone, mail string) *customer.Customer {
	n.t.Helper()
	c := &customer.Customer{Ref: ref, Name: plantedName, Country: "CN", BirthYear: 1987, Points: []customer.Point{{Channel: "phone", Address: phone}, {Channel: "email", Address: mail}}}
	res, err := a.House.PutCustomers(n.t.Context(), db.Outcome, []*customer.Customer{c})
	n.must(err)
	if len(res.Refused) > 0 {
		n.t.Fatal(res.Refused[0].Err)
	}
	return c
}

// live makes a customer who pays, refuses text messages, and is routed.
func (n *node) live(a *App) *customer.Customer {
	n.t.Helper()
	ctx := n.t.Context()
	c := n.put(a, "u1", plantedPhone, plantedMail)
	_, err := a.House.Refuse(ctx, "test", "u1", consent.Refusal{Channel: "sms", Source: "phone", Words: plantedSaid})
	n.must(err)
	n.happen(a, "e1")
	_, _, err = a.Router.Turn(ctx)
	n.must(err)
	n.happen(a, "e2") // still to be routed
	return c
}

func (n *node) happen(a *App, id string) {
	n.t.Helper()
	now := time.Now().UTC()
	res, err := a.Intake.Accept(n.t.Context(), []event.Item{{Event: event.Event{
		ID: id, Source: "test", Type: "wallet.payment.failed", Subject: "u1", At: now, Received: now,
		Data: []byte(`{"order_id":"` + plantedWord + `","amount_minor":1,"currency":"CNY","merchant":"m","reason":"r","charged":false}`),
	}}})
	n.must(err)
	if res.Accepted != 1 {
		n.t.Fatalf("%+v", res)
	}
}

func (n *node) erase(a *App) {
	n.t.Helper()
	already, err := a.House.Erase(n.t.Context(), "test", "u1", "asked for it")
	n.must(err)
	if already {
		n.t.Fatal("they were erased before")
	}
	n.settle(a)
}

// settle lets the keeper and the router do what is left.
func (n *node) settle(a *App) {
	n.t.Helper()
	for busy := true; busy; {
		var err error
		busy, err = a.Eraser.Turn(n.t.Context())
		n.must(err)
	}
	_, _, err := a.Router.Turn(n.t.Context())
	n.must(err)
}

// found lists which planted words are in which of the files.
func (n *node) found() (all []string) {
	n.t.Helper()
	files, err := filepath.Glob(filepath.Join(n.folder, "h.db*"))
	n.must(err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		n.must(err)
		for _, word := range []string{plantedName, plantedPhone, plantedMail, plantedWord, plantedSaid, "canary.bird"} {
			if bytes.Contains(b, []byte(word)) {
				all = append(all, filepath.Base(f)+": "+word)
			}
		}
	}
	return all
}

func (n *node) gone(a *App, was *customer.Customer) {
	n.t.Helper()
	if _, err := a.House.Customer(n.t.Context(), "u1"); errs.KindOf(err) != errs.NotFound {
		n.t.Errorf("they are still there: %v", err)
	}
	keys, err := a.Vault.Keys(n.t.Context(), []int64{was.KeyID})
	n.must(err)
	if keys.Has(was.KeyID) {
		n.t.Error("their key is still there")
	}
	if already, err := a.House.Erase(n.t.Context(), "test", "u1", "asked again"); err != nil || !already {
		n.t.Errorf("erased twice: %v %v", already, err)
	}
}

func copyAs(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (n *node) file(name string) string { return filepath.Join(n.folder, name) }

// restore puts an old copy in the place of a file, as whoever restores a backup does.
func (n *node) restore(old, name string) {
	n.t.Helper()
	for _, f := range []string{name + "-wal", name + "-shm"} {
		_ = os.Remove(n.file(f)) // there is none after a clean stop
	}
	copyAs(n.t, n.file(old), n.file(name))
}

func TestWhoWasErasedIsInNoFileAndNoBackupBringsThemBack(t *testing.T) {
	n := &node{t: t, folder: t.TempDir()}
	n.cfg = Config{Database: "sqlite:" + n.file("h.db"), KeysFile: n.file("h.db.keys")}
	n.must(n.cfg.complete())
	var was *customer.Customer
	n.open(func(a *App) { was = n.live(a) })
	if before := strings.Join(n.found(), ", "); before != "h.db: "+plantedWord+", h.db: "+plantedSaid {
		t.Fatalf("before the erasure the files hold %s; the search must find what lies open, and what is sealed must not", before)
	}
	copyAs(t, n.file("h.db"), n.file("old-house"))
	copyAs(t, n.file("h.db.vault"), n.file("old-vault"))
	n.open(func(a *App) { n.erase(a); n.gone(a, was) })
	none := func(when string) {
		t.Helper()
		if left := n.found(); len(left) > 0 {
			t.Errorf("%s: %v", when, left)
		}
	}
	none("after the erasure")

	copyAs(t, n.file("h.db"), n.file("new-house"))
	n.restore("old-house", "h.db")
	n.open(func(a *App) { n.gone(a, was); n.settle(a) })
	none("after last month's database was put back")

	n.restore("new-house", "h.db")
	n.restore("old-vault", "h.db.vault")
	n.open(func(a *App) { n.gone(a, was); n.settle(a) })
	none("after last month's vault was put back")
}

// each runs a test on a house of each engine.
func each(t *testing.T, fn func(n *node)) {
	t.Run("sqlite", func(t *testing.T) {
		n := &node{t: t, folder: t.TempDir()}
		n.cfg = Config{Database: "sqlite:" + n.file("h.db"), KeysFile: n.file("h.db.keys")}
		n.must(n.cfg.complete())
		fn(n)
	})
	t.Run("postgres", func(t *testing.T) {
		n := &node{t: t, folder: t.TempDir()}
		n.cfg = Config{Database: dbtest.PostgresURL(t), Vault: dbtest.PostgresURL(t), KeysFile: n.file("keys")}
		n.must(n.cfg.complete())
		fn(n)
	})
}

func TestRefusalsSurviveTheErasureByIdAndByNumber(t *testing.T) {
	each(t, func(n *node) {
		n.open(func(a *App) {
			n.live(a)
			n.erase(a)
			refused := func(c *customer.Customer, channel string) bool {
				var s consent.Standing
				n.must(a.DB.Read(n.t.Context(), func(tx *db.Tx) error {
					all, err := consent.StandingOf(tx, []int64{c.ID})
					s = all[c.ID]
					return err
				}))
				for _, r := range s.Refusals {
					if r.Channel == channel || r.Channel == policy.Any {
						return true
					}
				}
				return false
			}
			same := n.put(a, "u1", "13900009999", "new@example.com")
			number := n.put(a, "u2", plantedPhone, "other@example.com")
			mail := n.put(a, "u3", "13900008888", plantedMail)
			for name, c := range map[string]struct {
				got, want bool
			}{
				"the same id, text messages":   {refused(same, "sms"), true},
				"the same id, mail":            {refused(same, "email"), false},
				"the same number":              {refused(number, "sms"), true},
				"the same mail, which was not": {refused(mail, "email"), false},
				"the same mail, messages":      {refused(mail, "sms"), false},
			} {
				if c.got != c.want {
					n.t.Errorf("%s: refused %v", name, c.got)
				}
			}
		})
	})
}

func TestALegalHoldStopsAnErasureAndSaysWhy(t *testing.T) {
	each(t, func(n *node) {
		n.open(func(a *App) {
			ctx := n.t.Context()
			was := n.live(a)
			n.must(a.House.HoldData(ctx, "test", "u1", "the court asked for it"))
			if _, err := a.House.Erase(ctx, "test", "u1", "asked"); errs.CodeOf(err) != "legal-hold" || !strings.Contains(err.Error(), "the court asked for it") {
				n.t.Fatalf("%v", err)
			}
			if c, err := a.House.Reveal(ctx, "test", "u1", "to see"); err != nil || c.Name != plantedName {
				n.t.Fatalf("%v %v", c, err)
			}
			n.must(a.House.LiftHold(ctx, "test", "u1", "the case is closed"))
			n.erase(a)
			n.gone(a, was)
			if err := a.House.HoldData(ctx, "test", "u1", "too late"); errs.KindOf(err) != errs.NotFound {
				n.t.Errorf("%v", err)
			}
			if _, err := a.House.Erase(ctx, "test", "nobody", "asked"); errs.KindOf(err) != errs.NotFound {
				n.t.Errorf("%v", err)
			}
		})
	})
}

// An erasure cut off at any point is ended by the next start, whatever it had come to.
func TestAnErasureCutOffAnywhereIsEnded(t *testing.T) {
	each(t, func(n *node) {
		n.open(func(a *App) {
			was := n.live(a)
			dead := &errs.Error{Kind: errs.Unavailable, Code: "busy", Text: "dead"}
			cut := 0
			for done := false; !done; cut++ {
				left := cut
				house := a.DB.Hooked(func(string) error {
					if left--; left < 0 {
						return dead
					}
					return nil
				})
				dying := &engine.Eraser{DB: house, Vault: a.Vault, Keys: a.Keys, Clock: a.Clock, Rooms: a.Eraser.Rooms}
				err := func() error {
					if _, err := dying.Erase(context.Background(), "test", "u1", "asked"); err != nil {
						return err
					}
					for busy := true; busy; {
						var err error
						if busy, err = dying.Turn(context.Background()); err != nil {
							return err
						}
					}
					return nil
				}()
				done = err == nil
			}
			if cut < 5 {
				n.t.Fatalf("it was cut off at %d points only", cut)
			}
			n.must(a.Eraser.CatchUp(n.t.Context()))
			n.settle(a)
			n.gone(a, was)
		})
	})
}

func TestADatabaseKnowsItsVault(t *testing.T) {
	n := &node{t: t, folder: t.TempDir()}
	n.cfg = Config{Database: "sqlite:" + n.file("h.db"), KeysFile: n.file("h.db.keys")}
	n.must(n.cfg.complete())
	n.open(func(a *App) { n.live(a) })
	refused := func(what string) {
		t.Helper()
		a, err := New(t.Context(), n.cfg, Options{Log: slog.New(slog.DiscardHandler)})
		if errs.CodeOf(err) != "vault-gone" {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil {
			n.must(a.Close())
		}
	}
	n.must(os.Rename(n.file("h.db.vault"), n.file("kept")))
	refused("without its vault")
	if _, err := os.Stat(n.file("h.db.vault")); err == nil {
		t.Error("another was made in its place")
	}
	other := *n
	other.cfg.Database, other.cfg.Vault = "sqlite:"+n.file("other.db"), "sqlite:"+n.file("h.db.vault")
	other.open(func(*App) {})
	refused("with another house's vault")
	n.must(os.Rename(n.file("kept"), n.file("h.db.vault")))
	n.open(func(a *App) {
		if c, err := a.House.Reveal(t.Context(), "test", "u1", "to see"); err != nil || c.Name != plantedName {
			t.Errorf("%v %v", c, err)
		}
	})
	n.cfg.Vault = n.cfg.Database
	if _, err := n.cfg.VaultAddress(); errs.CodeOf(err) != "setting-invalid" {
		t.Errorf("a vault in the house's own database: %v", err)
	}
}
