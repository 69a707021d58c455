package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Bounds on requests.
const (
	bodyBytesMax      = 1 << 20  // of requests with one thing in them
	batchBytesMax     = 16 << 20 // of requests with many
	pageDefault       = 100
	pageMost          = 500
	intakesMax        = 64 // bodies of events read at once: at most 1 GB
	receiptsMax       = 64 // read already, and being kept; as many replies beside them
	receiptBytesMax   = 1 << 20
	documentsBytesMax = 1 << 20 // as package document takes
)

// Config is what the API stands on.
type Config struct {
	House   *acts.House
	Intake  *event.Intake
	Version string
	Origins []string     // of web pages that may call the in-app routes: https://shop.example
	Hotline string       // told in the thanks of a questionnaire
	Log     *slog.Logger // nil: slog's own
}

// API serves /v1/… and /openapi.json.
type API struct {
	Config
	mux  *guarded
	huma huma.API
	spec []byte

	intakes, receipts, replies chan struct{}
	counts                     counts
}

// New puts the API together.
func New(c Config) (*API, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	a := &API{Config: c, intakes: make(chan struct{}, intakesMax), receipts: make(chan struct{}, receiptsMax), replies: make(chan struct{}, receiptsMax)}
	a.mux = &guarded{mux: http.NewServeMux(), origin: http.NewCrossOriginProtection(), keys: c.House.APIKeys, passes: c.House.Passes, fail: a.fail, met: map[string]bool{}}
	config := huma.DefaultConfig("Huiyin", c.Version)
	config.Info.Description = "The follow-up platform of a digital wallet. Events go in; follow-ups, answers and figures come out."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil // no $schema in answers
	config.RejectUnknownQueryParameters = true
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearer:        {Type: "http", Scheme: "bearer", BearerFormat: "hy_…", Description: "An API key; `huiyin key create` makes one."},
		customerToken: {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "A token the wallet's backend signs for one customer: a JWT with alg HS256 and kid the key's number, aud huiyin-inapp, sub the customer's id, iat, exp at most 15 minutes later and a nonce in jti. `huiyin key create NAME --scope customers-sign` makes the secret; all of its text is the key."},
	}
	a.huma = humago.New(a.mux, config)
	a.events()
	a.customers()
	a.personalData()
	a.wishes()
	a.will()
	a.genuine()
	a.documents()
	a.programs()
	a.questionnaires()
	a.lists()
	a.asides()
	a.takeReceipts()
	a.webhooks()
	a.takeReplies()
	a.bounces()
	a.audits()
	a.inapp()
	a.feedback()
	spec, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return nil, err
	}
	a.spec = spec
	a.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		_, _ = w.Write(a.spec) // a reader who has gone needs nothing
	})
	return a, a.mux.complete()
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if strings.HasPrefix(r.URL.Path, inappPath) && !a.crossOrigin(w, r) {
		return
	}
	a.mux.ServeHTTP(w, r)
}

// fail writes an error as problem details.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError && r.Context().Err() == nil {
		a.Log.Error("a request failed", "route", r.Pattern, "error", p.cause)
	}
	for k, values := range p.GetHeaders() {
		w.Header()[k] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller may have gone
}

// add declares one operation. Its errors become problem details.
func add[I, O any](a *API, op huma.Operation, fn func(context.Context, *I) (*O, error)) {
	right, ok := rights[op.Method+" "+op.Path]
	switch {
	case ok && right.scope != "":
		op.Security = []map[string][]string{{bearer: {string(right.scope)}}}
	case right.customer:
		op.Security = []map[string][]string{{customerToken: {}}}
	}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = bodyBytesMax
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, in)
		if err == nil {
			return out, nil
		}
		p := problemOf(err)
		if p.Status == http.StatusInternalServerError && ctx.Err() == nil {
			a.Log.Error("a request failed", "route", op.Method+" "+op.Path, "error", err)
		}
		return nil, p
	})
}

type actorKey struct{}

// actor names who asks, for the audit trail.
func actor(ctx context.Context) string {
	if k, ok := ctx.Value(actorKey{}).(*staff.Key); ok {
		return "key:" + k.Name
	}
	return "nobody"
}

// page is the part of a listing's query that all share.
type page struct {
	After string `query:"after" doc:"Where the page before ended: its next"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

// cursor reads where the page begins.
func (p *page) cursor() (int64, error) {
	if p.After == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(p.After, 10, 64)
	if err != nil || id < 0 {
		return 0, errs.New(errs.Invalid, codes.CursorInvalid, "after is %.40q and no place in this list: start again without it", p.After).At("query.after")
	}
	return id, nil
}

func (p *page) size() int {
	if p.Limit <= 0 {
		return pageDefault
	}
	return min(p.Limit, pageMost)
}

func idText(id int64) string { return strconv.FormatInt(id, 10) }

// both is a sentence in both languages.
type both struct {
	Chinese string `json:"zh-CN"`
	English string `json:"en"`
}

func sentence(code string) both {
	return both{codes.Sentence(code, codes.Chinese), codes.Sentence(code, codes.English)}
}
