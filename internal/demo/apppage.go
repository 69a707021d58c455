package demo

import (
	"context"
	"net/http"
	"strconv"

	"github.com/huiyin/huiyin/internal/people/pass"
	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

const (
	signingKey    = "demo-wallet"
	keysLookedAt  = 200
	appPagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)

// appPage is the wallet's app: a page of another's that shows our cards by the widget.
const appPage = `<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>App</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/demo/style.css">
<script src="/inapp/widget.js" defer></script>
<script src="/demo/app.js" defer></script>
<body class="app">
<huiyin-inbox></huiyin-inbox>
`

// takeKey makes the key by which the simulated wallet's backend speaks for its customers, in
// the place of an earlier run's: its secret is shown only once.
func (d *Demo) takeKey(ctx context.Context) error {
	for after := int64(0); ; {
		all, err := d.House.ListKeys(ctx, after, keysLookedAt)
		if err != nil {
			return err
		}
		for _, k := range all {
			if after = k.ID; k.Name == signingKey && k.Revoked.IsZero() {
				if err := d.House.RevokeKey(ctx, actor, k.ID); err != nil {
					return err
				}
			}
		}
		if len(all) < keysLookedAt {
			break
		}
	}
	secret, _, err := d.House.CreateKey(ctx, actor, staff.Key{Name: signingKey, Scopes: []codes.Scope{codes.CustomersSign}})
	d.signing = secret
	return err
}

// app is the wallet's app of one customer.
func (d *Demo) app(w http.ResponseWriter, r *http.Request) {
	if c, known := d.owner(r.PathValue("ref")); !known || !c.HasThing("app") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", appPagePolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write([]byte(appPage)) // whoever asked may have gone
}

// token is what the wallet's backend signs for its app.
func (d *Demo) token(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("ref")
	if _, known := d.owner(ref); !known {
		http.NotFound(w, r)
		return
	}
	now := d.Clock.Now()
	text, err := pass.Sign(d.signing, pass.Claims{Customer: ref, Issued: now, Expires: now.Add(pass.ValidMost), Nonce: d.IDs.Token()})
	if err != nil {
		http.Error(w, strconv.Quote(err.Error()), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(text)) // whoever asked may have gone
}
