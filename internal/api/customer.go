package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	customerToken = "customer"
	inappPath     = "/v1/inapp/"

	// requestsMost of one customer within requestsWithin; polling once a second stays well below.
	requestsMost   = 60
	requestsWithin = 10 * time.Second
	meteredMost    = 100_000 // customers counted at once

	preflightAge = "600" // seconds a browser may remember what it was allowed
)

type customerKey struct{}

// customerOf is the wallet's id of the customer whose token came with a request.
func customerOf(ctx context.Context) string {
	ref, _ := ctx.Value(customerKey{}).(string)
	return ref
}

// enterCustomer lets a customer's app in, unless it has asked too often just now.
func (g *guarded) enterCustomer(ctx context.Context, token string) (context.Context, error) {
	claims, err := g.passes.Check(ctx, token)
	if err != nil {
		return nil, err
	}
	if wait := g.meter.take(claims.Customer, g.passes.Clock.Now()); wait > 0 {
		return nil, errs.New(errs.Busy, codes.RateLimited, "this customer's apps ask more than %d times in %v; use the ETag, and wait=25 to be told when something is new", requestsMost, requestsWithin).After(wait)
	}
	return context.WithValue(ctx, customerKey{}, claims.Customer), nil
}

// meter counts requests by customer, so that one broken app can't take everybody's place. It
// is a node's own and forgets what is past.
type meter struct {
	mu   sync.Mutex
	seen map[string]window
}

type window struct {
	since time.Time
	n     int
}

// take counts one request; it says how long to wait when that was one too many.
func (m *meter) take(who string, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = map[string]window{}
	}
	w, known := m.seen[who]
	if age := now.Sub(w.since); age >= requestsWithin || age < 0 {
		w = window{since: now}
	}
	if !known && len(m.seen) >= meteredMost {
		m.sweep(now)
	}
	w.n++
	m.seen[who] = w
	if w.n <= requestsMost {
		return 0
	}
	return requestsWithin - now.Sub(w.since)
}

// sweep forgets windows that are past, or all when there are none: someone signs tokens for
// customers without end, and counting from nothing costs less than counting without bound.
func (m *meter) sweep(now time.Time) {
	for who, w := range m.seen {
		if now.Sub(w.since) >= requestsWithin {
			delete(m.seen, who)
		}
	}
	if len(m.seen) >= meteredMost {
		clear(m.seen)
	}
}

// crossOrigin answers a browser that asks whether a page may call these routes, and refuses
// pages of origins nobody named. Apps and servers send no Origin. It says whether to go on.
func (a *API) crossOrigin(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if !slices.Contains(a.Origins, strings.ToLower(origin)) {
		a.fail(w, r, errs.New(errs.Forbidden, codes.Forbidden, "pages of %.100s may not ask; name the origin in channels.inapp.origins", origin))
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", "ETag, Retry-After")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return true
	}
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match")
	w.Header().Set("Access-Control-Max-Age", preflightAge)
	w.WriteHeader(http.StatusNoContent)
	return false
}
