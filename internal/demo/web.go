package demo

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

const (
	languageCookie    = "huiyin-language"
	languageCookieAge = 365 * 24 * time.Hour
	formBytesMax      = 16 << 10
	// contentPolicy lets the pages load their own style, script and pictures, and nothing else.
	contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

//go:embed web
var webFiles embed.FS

// languages the pages are written in.
var languages = []string{document.ZhCN, document.En}

// view is all pages in one language.
type view struct {
	lang  string
	pages map[string]*template.Template
}

// section is a page of the menu.
type section struct {
	Name, Path string
	Title      document.Text
}

// sections are in the menu's order.
var sections = []section{
	{"start", "/", document.Text{document.ZhCN: "开始", document.En: "Start"}},
	{"phone", "/phone", document.Text{document.ZhCN: "客户的手机", document.En: "Their phone"}},
	{"mailbox", "/mailbox", document.Text{document.ZhCN: "邮箱", document.En: "Mailbox"}},
	{"follow-ups", "/follow-ups", document.Text{document.ZhCN: "回访单", document.En: "Follow-ups"}},
	{"programs", "/programs", document.Text{document.ZhCN: "计划报表", document.En: "Programs"}},
	{"customers", "/customers", document.Text{document.ZhCN: "客户", document.En: "Customers"}},
	{"set-aside", "/set-aside", document.Text{document.ZhCN: "待人工确认", document.En: "Set aside"}},
}

// parseViews reads the templates once for each language.
func parseViews() (map[string]*view, error) {
	pages, err := webFiles.ReadDir("web/pages")
	if err != nil {
		return nil, err
	}
	views := map[string]*view{}
	for _, lang := range languages {
		v := &view{lang: lang, pages: map[string]*template.Template{}}
		for _, p := range pages {
			t, err := template.New("layout.html").Funcs(v.functions()).ParseFS(webFiles, "web/layout.html", "web/parts.html", "web/pages/"+p.Name())
			if err != nil {
				return nil, err
			}
			v.pages[strings.TrimSuffix(p.Name(), ".html")] = t
		}
		views[lang] = v
	}
	return views, nil
}

// functions are what templates may call. Both languages of a sentence stand beside
// each other in the template, so that neither is forgotten.
func (v *view) functions() template.FuncMap {
	return template.FuncMap{
		"tr": func(chinese, english string, figures ...any) string {
			text := english
			if v.lang == document.ZhCN {
				text = chinese
			}
			if len(figures) == 0 {
				return text
			}
			return fmt.Sprintf(text, figures...)
		},
		"text":     v.text,
		"doc":      func(t document.Text) string { return t.In(v.lang) },
		"reason":   func(r codes.Reason) string { return r.Sentence(v.lang) },
		"word":     v.word,
		"clock":    func(t time.Time) string { return t.Local().Format("15:04:05") },
		"moment":   func(t time.Time) string { return t.Local().Format("01-02 15:04:05") },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"percent":  func(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + "%" },
		"decimal":  func(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) },
		"number":   grouped,
		"span":     v.span,
		"short":    short,
		"sections": func() []section { return sections },
		"id":       func(id int64) string { return strconv.FormatInt(id, 10) },
	}
}

func (v *view) text(t report.Text) string {
	if v.lang == document.ZhCN {
		return t.Chinese
	}
	return t.English
}

// span writes how long a cap looks back: in days, where it is whole ones.
func (v *view) span(d time.Duration) string {
	const day = 24 * time.Hour
	switch n := int(d / day); {
	case d%day != 0 || n == 1:
		return fmt.Sprintf(document.Text{document.ZhCN: "%d 小时", document.En: "%d hours"}.In(v.lang), int(d.Hours()))
	default:
		return fmt.Sprintf(document.Text{document.ZhCN: "%d 天", document.En: "%d days"}.In(v.lang), n)
	}
}

// short writes a time to come, by the clock of its own zone: with its day, and
// without seconds unless it has some.
func short(t time.Time) string {
	if t.Second() != 0 {
		return t.Format("01-02 15:04:05")
	}
	return t.Format("01-02 15:04")
}

// grouped writes a count with commas at the thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// page is what the layout shows around the body.
type page struct {
	Lang, Section, Title string
	Languages            []languageLink
	Zone                 string
	Database             string
	Live                 bool // fetched again every few seconds
	Body                 any
}

type languageLink struct{ Lang, Name, Href string }

// Mount puts the pages on a mux.
func (d *Demo) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /demo/style.css", asset("web/style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /demo/live.js", asset("web/live.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /demo/documents.yaml", d.documents)
	mux.HandleFunc("GET /{$}", d.show("start", "start", d.start))
	mux.HandleFunc("POST /demo/events", d.take(d.makeEvent))
	mux.HandleFunc("GET /demo/app.js", asset("web/app.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /demo/app/{ref}", d.app)
	mux.HandleFunc("GET /demo/app/{ref}/token", d.token)
	mux.HandleFunc("GET /phone", d.show("phone", "phone", d.phone))
	mux.HandleFunc("GET /phone/{ref}", d.show("phone", "phone", d.phone))
	mux.HandleFunc("POST /demo/phone/{ref}", d.take(d.writeBack))
	mux.HandleFunc("GET /mailbox", d.show("mailbox", "mailbox", d.mailbox))
	mux.HandleFunc("GET /mailbox/{number}", d.show("mailbox", "mail", d.mail))
	mux.HandleFunc("POST /demo/mailbox/lose", d.take(d.loseNext))
	mux.HandleFunc("GET /follow-ups", d.show("follow-ups", "follow-ups", d.followUps))
	mux.HandleFunc("GET /follow-ups/{id}", d.show("follow-ups", "follow-up", d.followUp))
	mux.HandleFunc("GET /programs", d.show("programs", "program", d.program))
	mux.HandleFunc("GET /programs/{name}", d.show("programs", "program", d.program))
	mux.HandleFunc("GET /customers", d.show("customers", "customers", d.customers))
	mux.HandleFunc("GET /customers/{ref}", d.show("customers", "customer", d.customer))
	mux.HandleFunc("GET /demo/customers/{ref}/export", d.export)
	mux.HandleFunc("POST /demo/customers/{ref}/erase", d.take(d.erase))
	mux.HandleFunc("GET /set-aside", d.show("set-aside", "set-aside", d.setAside))
	mux.HandleFunc("POST /demo/set-aside/{id}", d.take(d.endAside))
	mux.HandleFunc("/", d.show("", "error", func(*request) (any, error) {
		return nil, errs.New(errs.NotFound, codes.NotFound, "there is no such page")
	}))
}

func asset(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		body, err := webFiles.ReadFile(name)
		if err != nil {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body) // whoever asked may have gone
	}
}

func (d *Demo) documents(w http.ResponseWriter, _ *http.Request) {
	body, err := sampleYAML()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(body) // whoever asked may have gone
}

// request is a page asked for, in a language.
type request struct {
	*http.Request
	*view
	title string // of the page, if it isn't the section's
	quiet bool   // the page doesn't change by itself
}

// show serves a page: ask gathers what it shows.
func (d *Demo) show(section, name string, ask func(*request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := &request{Request: r, view: d.views[d.language(w, r)]}
		body, err := ask(q)
		if err != nil {
			d.fail(w, q, section, err)
			return
		}
		d.write(w, q, http.StatusOK, section, name, body)
	}
}

// take does what a form asks for and sends the reader on.
func (d *Demo) take(act func(*request) (to string, err error)) http.HandlerFunc {
	origin := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) {
		q := &request{Request: r, view: d.views[d.language(w, r)]}
		if origin.Check(r) != nil {
			d.fail(w, q, "", errs.New(errs.Forbidden, codes.Forbidden, "this came from another website; open the page here and press the button again"))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, formBytesMax)
		if err := r.ParseForm(); err != nil {
			d.fail(w, q, "", errs.New(errs.Invalid, codes.FieldInvalid, "the form can't be read; go back and send it again"))
			return
		}
		to, err := act(q)
		if err != nil {
			d.fail(w, q, "", err)
			return
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// failure is what an error page shows.
type failure struct{ Status, Sentence, Detail string }

var statuses = map[errs.Kind]int{
	errs.Invalid: http.StatusUnprocessableEntity, errs.NotFound: http.StatusNotFound, errs.Conflict: http.StatusConflict,
	errs.Forbidden: http.StatusForbidden, errs.TooLarge: http.StatusRequestEntityTooLarge, errs.Busy: http.StatusServiceUnavailable,
	errs.Unavailable: http.StatusServiceUnavailable,
}

func (d *Demo) fail(w http.ResponseWriter, q *request, section string, err error) {
	f := failure{Sentence: codes.Sentence(codes.Internal, q.lang)}
	status, known := statuses[errs.KindOf(err)]
	if !known {
		status = http.StatusInternalServerError
	}
	if e, ours := errs.As(err); ours && known {
		f.Sentence, f.Detail = codes.Sentence(e.Code, q.lang), e.Text
	} else if q.Context().Err() == nil {
		d.Log.Error("a demo page failed", slog.String("page", section), slog.Any("error", err))
	}
	f.Status = strconv.Itoa(status)
	q.quiet, q.title = true, f.Sentence
	d.write(w, q, status, section, "error", f)
}

func (d *Demo) write(w http.ResponseWriter, q *request, status int, section, name string, body any) {
	p := page{Lang: q.lang, Section: section, Title: q.title, Live: !q.quiet, Body: body, Database: d.Database}
	for _, s := range sections {
		if s.Name == section && p.Title == "" {
			p.Title = s.Title.In(q.lang)
		}
	}
	p.Zone = d.Clock.Now().Local().Format("UTC-07:00")
	for _, l := range languages {
		query := url.Values{"lang": {l}}
		for key, all := range q.URL.Query() {
			if key != "lang" {
				query[key] = all
			}
		}
		p.Languages = append(p.Languages, languageLink{Lang: l, Name: map[string]string{document.ZhCN: "中文", document.En: "English"}[l], Href: "?" + query.Encode()})
	}
	var b bytes.Buffer
	if err := q.pages[name].ExecuteTemplate(&b, "layout.html", p); err != nil {
		d.Log.Error("a demo page could not be written", slog.String("page", name), slog.Any("error", err))
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Content-Language", q.lang)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a reader who has gone needs no page
}

// language is the one chosen here, before, or in the browser's settings.
func (d *Demo) language(w http.ResponseWriter, r *http.Request) string {
	if l := r.URL.Query().Get("lang"); slices.Contains(languages, l) {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: l, Path: "/", MaxAge: int(languageCookieAge / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		return l
	}
	if c, err := r.Cookie(languageCookie); err == nil && slices.Contains(languages, c.Value) {
		return c.Value
	}
	var want []string
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(part, ";")
		want = append(want, strings.TrimSpace(tag))
	}
	return document.Choose(languages, want...)
}
