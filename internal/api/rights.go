package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/people/pass"
	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const bearer = "key"

// right is what a route asks of who calls it: a scope, a customer's token, or nothing, and then why.
type right struct {
	scope    codes.Scope
	customer bool
	public   string
}

// rights holds every route there is. One that is missing here can't be registered.
var rights = map[string]right{
	"POST /v1/events": {scope: codes.EventsWrite},

	"PUT /v1/customers/{ref}":                  {scope: codes.CustomersWrite},
	"POST /v1/customers/batch":                 {scope: codes.CustomersWrite},
	"GET /v1/customers/{ref}":                  {scope: codes.CustomersRead},
	"GET /v1/customers/{ref}/may-contact":      {scope: codes.FollowUpsRead},
	"POST /v1/customers/{ref}/refusals":        {scope: codes.RefusalsWrite},
	"GET /v1/customers/{ref}/refusals":         {scope: codes.CustomersRead},
	"DELETE /v1/customers/{ref}/refusals/{id}": {scope: codes.RefusalsWrite},
	"PUT /v1/customers/{ref}/consents":         {scope: codes.RefusalsWrite},
	"GET /v1/customers/{ref}/consents":         {scope: codes.CustomersRead},
	"POST /v1/customers/{ref}/reveal":          {scope: codes.CustomersReveal},
	"GET /v1/customers/{ref}/export":           {scope: codes.CustomersExport},
	"POST /v1/customers/{ref}/erase":           {scope: codes.CustomersErase},
	"PUT /v1/customers/{ref}/legal-hold":       {scope: codes.LegalHoldWrite},
	"POST /v1/customers/{ref}/legal-hold/lift": {scope: codes.LegalHoldWrite},
	"POST /v1/customers/{ref}/wrong-person":    {scope: codes.RefusalsWrite},
	"POST /v1/consents/batch":                  {scope: codes.RefusalsWrite},
	"POST /v1/contacts/check":                  {scope: codes.ContactsCheck},
	"GET /v1/suspicions":                       {scope: codes.SuspicionsRead},
	"GET /v1/wordings":                         {scope: codes.DocumentsRead},

	"POST /v1/documents":              {scope: codes.DocumentsWrite},
	"GET /v1/documents/{kind}":        {scope: codes.DocumentsRead},
	"GET /v1/documents/{kind}/{name}": {scope: codes.DocumentsRead},

	"GET /v1/questionnaires/{name}/link":   {scope: codes.DocumentsRead},
	"GET /v1/questionnaires/{name}/qr":     {scope: codes.DocumentsRead},
	"GET /v1/questionnaires/{name}/report": {scope: codes.ReportsRead},

	"GET /v1/programs":                 {scope: codes.DocumentsRead},
	"POST /v1/programs/{name}/publish": {scope: codes.ProgramsOperate},
	"POST /v1/programs/{name}/pause":   {scope: codes.ProgramsOperate},
	"POST /v1/programs/{name}/resume":  {scope: codes.ProgramsOperate},
	"POST /v1/programs/{name}/stop":    {scope: codes.ProgramsOperate},
	"POST /v1/programs/{name}/list":    {scope: codes.ListsWrite},
	"GET /v1/programs/{name}/report":   {scope: codes.ReportsRead},
	"GET /v1/programs/{name}/explain":  {scope: codes.FollowUpsRead},
	"POST /v1/assignments":             {scope: codes.AssignmentsWrite},

	"GET /v1/set-aside":       {scope: codes.FollowUpsRead},
	"POST /v1/set-aside/{id}": {scope: codes.SetAsideEnd},

	"POST /v1/channels/{channel}/bounces":     {scope: codes.ReceiptsWrite},
	"POST /v1/customers/{ref}/points/confirm": {scope: codes.CustomersWrite},

	"GET /v1/webhooks":                 {scope: codes.WebhooksRead},
	"POST /v1/webhooks":                {scope: codes.WebhooksWrite},
	"DELETE /v1/webhooks/{name}":       {scope: codes.WebhooksWrite},
	"POST /v1/webhooks/{name}/rotate":  {scope: codes.WebhooksWrite},
	"POST /v1/webhooks/{name}/disable": {scope: codes.WebhooksWrite},
	"POST /v1/webhooks/{name}/enable":  {scope: codes.WebhooksWrite},
	"POST /v1/webhooks/{name}/test":    {scope: codes.WebhooksWrite},
	"GET /v1/webhooks/{name}/log":      {scope: codes.WebhooksRead},
	"POST /v1/webhooks/{name}/replay":  {scope: codes.WebhooksWrite},

	"GET /v1/inapp/cards":                           {customer: true},
	"POST /v1/inapp/cards/{card}/shown":             {customer: true},
	"POST /v1/inapp/cards/{card}/dismissed":         {customer: true},
	"PUT /v1/inapp/cards/{card}/answers/{question}": {customer: true},
	"POST /v1/inapp/cards/{card}/answers":           {customer: true},
	"POST /v1/inapp/feedback":                       {customer: true},
	"POST /v1/inapp/check":                          {customer: true},
	"GET /v1/feedback":                              {scope: codes.AnswersRead},

	"GET /v1/audit":        {scope: codes.AuditRead},
	"GET /v1/audit/verify": {scope: codes.AuditRead},

	"POST /v1/receipts/{channel}": {public: "the channel's provider signs what it reports; nothing unsigned is believed"},
	"POST /v1/replies/{channel}":  {public: "the channel's provider signs what customers wrote back; nothing unsigned is believed"},
	"GET /openapi.json":           {public: "describes the API and tells nothing of what is in it"},
}

// Route is one route, for those who check that each is guarded.
type Route struct {
	Pattern  string // POST /v1/events
	Scope    codes.Scope
	Customer bool   // it takes a customer's token, and no key
	Public   string // why it needs no key; empty: it needs one
}

// Routes lists every route.
func Routes() []Route {
	var all []Route
	for _, pattern := range slices.Sorted(maps.Keys(rights)) {
		all = append(all, Route{pattern, rights[pattern].scope, rights[pattern].customer, rights[pattern].public})
	}
	return all
}

// guarded is a mux on which nothing can be registered without a right.
type guarded struct {
	mux    *http.ServeMux
	origin *http.CrossOriginProtection
	keys   *staff.Keys
	passes *pass.Checker
	meter  meter
	fail   func(http.ResponseWriter, *http.Request, error)
	met    map[string]bool
}

// HandleFunc registers a handler behind what its right asks.
func (g *guarded) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	right, ok := rights[pattern]
	if !ok {
		panic("api: " + pattern + " has no line in rights.go")
	}
	g.met[pattern] = true
	g.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		ctx, err := g.enter(r, right)
		if err != nil {
			g.fail(w, r, err)
			return
		}
		handler(w, r.WithContext(ctx))
	})
}

// enter lets a request in, with its key in the context.
func (g *guarded) enter(r *http.Request, right right) (context.Context, error) {
	if right.public != "" {
		if err := g.origin.Check(r); err != nil {
			return nil, errs.New(errs.Forbidden, codes.Forbidden, "this comes from another site's page; it is taken from servers alone").Because(err)
		}
		return r.Context(), nil
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		secret = ""
	}
	secret = strings.TrimSpace(secret)
	if right.customer {
		return g.enterCustomer(r.Context(), secret)
	}
	key, err := g.keys.Authenticate(r.Context(), secret)
	if err != nil {
		return nil, err
	}
	if !key.May(right.scope) {
		return nil, errs.New(errs.Forbidden, codes.Forbidden, "the key %q may not do this; it needs the scope %s", key.Name, right.scope)
	}
	return context.WithValue(r.Context(), actorKey{}, key), nil
}

// ServeHTTP answers one request; what no route takes gets problem details too.
func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, pattern := g.mux.Handler(r)
	if pattern != "" {
		g.mux.ServeHTTP(w, r)
		return
	}
	probe := &statusOnly{header: http.Header{}}
	handler.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		g.fail(w, r, errs.New(errs.Invalid, codes.MethodNotAllowed, "%s is not for %s; use %s", r.URL.Path, r.Method, probe.header.Get("Allow")))
		return
	}
	g.fail(w, r, errs.New(errs.NotFound, codes.NotFound, "there is nothing at %.100s; /openapi.json lists what there is", r.URL.Path))
}

// complete says whether every right has its route.
func (g *guarded) complete() error {
	for pattern := range rights {
		if !g.met[pattern] {
			return fmt.Errorf("api: rights.go has a line for %s, which no handler serves", pattern)
		}
	}
	return nil
}

// statusOnly remembers what the mux would have answered.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header { return s.header }

func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

func (s *statusOnly) WriteHeader(status int) { s.status = status }
