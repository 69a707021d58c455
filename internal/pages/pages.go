package pages

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// Bounds on what browsers send.
const (
	// bodyBytesMax holds the longest text, each of its characters as four bytes spelled %XX.
	bodyBytesMax   = 64 << 10
	languagesMax   = 10 // of Accept-Language
	retryAfter     = 5 * time.Second
	formType       = "application/x-www-form-urlencoded"
	robots         = "noindex, nofollow, noarchive"
	permissionsOff = "camera=(), geolocation=(), microphone=(), payment=()"
)

// Config is what the pages stand on.
type Config struct {
	Answers  *answer.Store // refusals go to its database too
	Links    *answer.Links
	Branding Branding
	Secure   bool         // the pages are reached by https
	Shelf    Shelf        // of public questionnaires; nil: there are none
	Log      *slog.Logger // nil: slog's own
}

// Shelf finds questionnaires by name.
type Shelf interface {
	Newest(ctx context.Context, name string) (*questionnaire.Questionnaire, int64, error)
}

// house is what every page shows and every handler uses.
type house struct {
	Config
	Style  template.CSS
	csp    string
	origin *http.CrossOriginProtection
	visits *limiter
}

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Handler serves /q/{token}, /p/{name}, /u/{token}, /w/{token} and /genuine.
func Handler(c Config) (http.Handler, error) {
	css, source, err := style(c.Branding.Colour)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	h := &house{Config: c, Style: css, origin: http.NewCrossOriginProtection(), visits: newLimiter()}
	h.csp = "default-src 'none'; style-src " + source + "; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /q/{token}", h.ask)
	mux.HandleFunc("POST /q/{token}", h.take)
	mux.HandleFunc("GET /q/{token}/done", h.thank)
	mux.HandleFunc("GET "+logoPath+"{logo}", h.logo)
	mux.HandleFunc("GET /p/{name}", h.welcome)
	mux.HandleFunc("POST /p/{name}", h.begin)
	mux.HandleFunc("GET /w/{token}", h.offerWishes)
	mux.HandleFunc("POST /w/{token}", h.takeWishes)
	mux.HandleFunc("GET /genuine", h.askGenuine)
	mux.HandleFunc("POST /genuine", h.takeSuspicion)
	mux.HandleFunc("GET /u/{token}", h.offerRefusal)
	mux.HandleFunc("POST /u/{token}", h.refuse)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.guard(w.Header())
		r.Body = http.MaxBytesReader(w, r.Body, bodyBytesMax)
		mux.ServeHTTP(w, r)
	}), nil
}

// guard sets the headers that keep a page to itself and its address to its reader.
func (h *house) guard(header http.Header) {
	header.Set("Content-Security-Policy", h.csp)
	header.Set("Referrer-Policy", "no-referrer") // the address is the secret
	header.Set("Cache-Control", "no-store")
	header.Set("X-Robots-Tag", robots)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Permissions-Policy", permissionsOff)
}

// sameOrigin refuses what other sites send from a customer's browser. Browsers
// without Sec-Fetch-Site say "Origin: null" from a page under no-referrer, ours;
// the secret in the address is the guard there.
func (h *house) sameOrigin(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "null" {
		return true
	}
	return h.origin.Check(r) == nil
}

// Name is the wallet's name in the page's language.
func (p *page) Name() string { return p.Branding.Name.In(p.Lang) }

// Hotline is the number to call; "" if there is none.
func (p *page) Hotline() string { return p.Branding.Hotline.In(p.Lang) }

// Dial is the hotline as a link that a phone dials.
func (p *page) Dial() template.URL {
	digits := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c == '+' {
			return c
		}
		return -1
	}, p.Hotline())
	return template.URL("tel:" + digits) //nolint:gosec // digits and + alone
}

// show writes a page.
func (h *house) show(w http.ResponseWriter, status int, p *page) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		h.Log.Error("a page could not be written", "page", p.Title, "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.Lang)
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a reader who has gone needs no page
}

// plain makes a page of sentences in one of the languages of the house.
func (h *house) plain(r *http.Request, title func(*words) string, say ...func(*words) string) *page {
	w := wordsFor(wanted(r)...)
	p := &page{house: h, W: w, Lang: w.Lang, Title: title(w), Others: others(languages, w.Lang, nil)}
	for _, sentence := range say {
		p.Say = append(p.Say, sentence(w))
	}
	return p
}

// wanted lists the languages a reader asks for: on the page first, then in the browser.
func wanted(r *http.Request) []string {
	list := []string{r.FormValue("lang")}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(part, ";")
		if list = append(list, strings.TrimSpace(tag)); len(list) > languagesMax {
			break
		}
	}
	return list
}

// fail shows what an error means for the customer. A link that was used, has
// expired or never was gets one and the same status: only who holds it reads which.
func (h *house) fail(w http.ResponseWriter, r *http.Request, sheet *answer.Sheet, err error) {
	if sheet != nil && r.FormValue("lang") == "" {
		r.Header.Set("Accept-Language", sheet.Language) // the invitation was written in it
	}
	switch errs.CodeOf(err) {
	case codes.LinkUsed:
		h.show(w, http.StatusGone, h.plain(r, func(w *words) string { return w.TitleUsed }, func(w *words) string { return w.Used }))
	case codes.LinkExpired:
		h.show(w, http.StatusGone, h.plain(r, func(w *words) string { return w.TitleExpired }, func(w *words) string { return w.Expired }))
	case codes.QuestionnaireClosed:
		h.show(w, http.StatusGone, h.plain(r, func(w *words) string { return w.TitleClosed }, func(w *words) string { return w.Closed }))
	case codes.LinkInvalid:
		h.show(w, http.StatusGone, h.plain(r, func(w *words) string { return w.TitleInvalid }, func(w *words) string { return w.Invalid }))
	default:
		if r.Context().Err() == nil {
			h.Log.Error("a customer's page failed", "error", err) // without the address: it is the customer's secret
		}
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
		h.show(w, http.StatusServiceUnavailable, h.plain(r, func(w *words) string { return w.TitleBusy }, func(w *words) string { return w.Busy }))
	}
}

// form reads a posted form; it answers itself and says no if there is none to read.
func (h *house) form(w http.ResponseWriter, r *http.Request) bool {
	if !h.sameOrigin(r) {
		h.show(w, http.StatusForbidden, h.plain(r, func(w *words) string { return w.TitleForbidden }, func(w *words) string { return w.Forbidden }))
		return false
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != formType {
		http.Error(w, "send a form ("+formType+")", http.StatusUnsupportedMediaType)
		return false
	}
	if err := r.ParseForm(); err != nil {
		r.Form = url.Values{"lang": {r.URL.Query().Get("lang")}} // what was read of it isn't whole
		h.show(w, http.StatusRequestEntityTooLarge, h.plain(r, func(w *words) string { return w.TitleLarge }, func(w *words) string { return w.Large }))
		return false
	}
	return true
}
