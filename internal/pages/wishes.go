package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/wording"
)

const sourceWishes = "preferences"

// waysShown are the channels people know by name, in the order of the page.
var waysShown = []string{"inapp", "sms", "phone", "email"}

// kindsOfDays are the days for which hours can be chosen, and how they are kept.
var kindsOfDays = []struct {
	name string
	days []string
}{{"work", []string{"workdays"}}, {"free", []string{"weekends", "holidays"}}}

// wishes is the page on which a customer says whether, how and when they may be reached.
type wishes struct {
	Action, Lang, Saved, Error string
	Purposes                   []purposeWish
	Cells, Hours, Tongue       string // what was shown as chosen: only what differs is a change
	AnyHour                    bool
	Days                       []dayWish
	Languages                  []option
	Theirs                     bool // else contact can only be ended here
}

// purposeWish is one purpose with its channels.
type purposeWish struct {
	ID, Title, Text string
	Ways            []option
}

// dayWish is the hours of one kind of day.
type dayWish struct {
	ID, Title string
	From, To  []option
}

// wished is what is known of a customer when the page is drawn or sent.
type wished struct {
	theirs   bool // the link was sent to an address that is the customer's still
	standing consent.Standing
	ways     []string
	wordings []wording.Wording
	own      *policy.OwnHours
	language string
}

// offerWishes shows the page. Opening it changes nothing.
func (h *house) offerWishes(w http.ResponseWriter, r *http.Request) {
	h.drawWishes(w, r, http.StatusOK, "")
}

func (h *house) drawWishes(w http.ResponseWriter, r *http.Request, status int, mistake string) {
	to, err := h.Links.ReadPreferences(r.PathValue("token"), h.Answers.Clock.Now())
	var now wished
	if err == nil {
		err = h.Answers.DB.Read(r.Context(), func(tx *db.Tx) (err error) { now, err = h.wished(tx, &to); return err })
	}
	if err != nil {
		h.failWishes(w, r, err)
		return
	}
	if r.FormValue("lang") == "" && now.language != "" {
		r.Header.Set("Accept-Language", now.language)
	}
	p := h.plain(r, func(w *words) string { return w.Wishes.Title })
	p.Wishes = now.draw(p.W)
	p.Wishes.Action, p.Wishes.Error = r.URL.Path, mistake
	if r.FormValue("lang") != "" {
		p.Wishes.Lang = p.Lang
	}
	if r.FormValue("saved") != "" && mistake == "" {
		p.Wishes.Saved = p.W.Wishes.Saved
	}
	h.show(w, status, p)
}

// wished reads what holds for a customer. Nothing that tells who they are is read.
func (h *house) wished(tx *db.Tx, to *answer.Invited) (wished, error) {
	var now wished
	person := to.Customer
	all, err := customer.Load(tx, []int64{person})
	if err != nil {
		return now, err
	}
	standing, err := consent.StandingOf(tx, []int64{person})
	if err != nil {
		return now, err
	}
	if now.wordings, err = program.Wordings(tx); err != nil {
		return now, err
	}
	now.standing = standing[person]
	behind, err := consent.Behind(tx, person)
	if err != nil {
		return now, err
	}
	now.standing.Refusals = append(now.standing.Refusals, behind...)
	c := all[person]
	if now.theirs, err = h.theirs(tx, to, c); err != nil {
		return now, err
	}
	for _, way := range waysShown {
		if c == nil || slices.ContainsFunc(c.Points, func(p customer.Point) bool { return p.Channel == customer.PointKind(way) }) {
			now.ways = append(now.ways, way)
		}
	}
	if len(now.ways) == 0 {
		now.ways = waysShown
	}
	if c != nil {
		now.language, now.own = c.Language, c.Own
	}
	if now.standing.Language != "" {
		now.language = now.standing.Language
	}
	now.own = now.standing.OwnHours(now.own)
	return now, nil
}

// theirs says whether a link was sent to an address that is the customer's still: inside the
// wallet, or a contact point that didn't bounce and of which nobody said it is somebody else's.
func (h *house) theirs(tx *db.Tx, to *answer.Invited, c *customer.Customer) (bool, error) {
	if c == nil || h.Links.InWallet(to, c.Ref) { // of who was erased the ledger takes nothing but a no
		return true, nil
	}
	at := slices.IndexFunc(c.Points, func(p customer.Point) bool { return !p.Bounced && to.Via(p.Key) })
	if at < 0 {
		return false, nil
	}
	disowned, err := consent.OfAddress(tx, c.Points[at].Key, policy.Any)
	return len(disowned) == 0, err
}

// draw puts what holds into a form.
func (now *wished) draw(w *words) *wishes {
	v := &wishes{Theirs: now.theirs, AnyHour: now.own == nil, Hours: hoursText(now.own), Tongue: now.language}
	var on []string
	for i := range now.wordings {
		said := &now.wordings[i]
		p := purposeWish{ID: said.Purpose, Title: said.Title.In(w.Lang), Text: said.Text.In(w.Lang)}
		for n, way := range now.ways {
			value := way + "." + said.Purpose
			allowed := now.standing.Allows(consent.Cell{Channel: way, Purpose: said.Purpose})
			if allowed {
				on = append(on, value)
			}
			p.Ways = append(p.Ways, option{N: n, Value: value, Label: w.channel(way), On: allowed})
		}
		v.Purposes = append(v.Purposes, p)
	}
	v.Cells = strings.Join(on, " ")
	for i, kind := range kindsOfDays {
		from, to := spanOf(now.own, kind.days[0])
		v.Days = append(v.Days, dayWish{ID: kind.name, Title: w.Wishes.Days[i], From: clockHours(w, from, 0, 23), To: clockHours(w, to, 1, 24)})
	}
	for i, l := range languages {
		v.Languages = append(v.Languages, option{N: i, Value: l, Label: endonyms[l], On: l == document.Choose(languages, now.language)})
	}
	return v
}

// clockHours lists the whole hours; one that was chosen to the minute elsewhere is listed too.
func clockHours(w *words, chosen string, from, to int) []option {
	all := []option{{Label: w.Wishes.Never, On: chosen == ""}}
	met := chosen == ""
	for hour := from; hour <= to; hour++ {
		text := fmt.Sprintf("%02d:00", hour)
		met = met || text == chosen
		all = append(all, option{Value: text, Label: text, On: text == chosen})
	}
	if !met {
		all = append(all, option{Value: chosen, Label: chosen, On: true})
	}
	return all
}

// spanOf is the first span of own hours on a kind of day; "": none.
func spanOf(own *policy.OwnHours, day string) (from, to string) {
	d := customer.OwnDocOf(own)
	if d == nil {
		return "", ""
	}
	for _, w := range d.Windows {
		if slices.Contains(w.Days, day) || slices.Contains(w.Days, "all") {
			from, to, _ = strings.Cut(w.Hours[0], "-")
			return from, to
		}
	}
	return "", ""
}

// hoursText is what of own hours the form can show, to see whether it was changed.
func hoursText(own *policy.OwnHours) string {
	if own == nil {
		return "any"
	}
	text := "own"
	for _, kind := range kindsOfDays {
		from, to := spanOf(own, kind.days[0])
		text += " " + from + "-" + to
	}
	return text
}

// takeWishes records what was changed on the page; it holds from the answer on.
func (h *house) takeWishes(w http.ResponseWriter, r *http.Request) {
	to, err := h.Links.ReadPreferences(r.PathValue("token"), h.Answers.Clock.Now())
	if err != nil {
		h.failWishes(w, r, err)
		return
	}
	if !h.form(w, r) {
		return
	}
	asked, mistake := h.readWishes(r.PostForm, wordsFor(wanted(r)...))
	if mistake != "" {
		h.drawWishes(w, r, http.StatusUnprocessableEntity, mistake)
		return
	}
	saved, err := h.saveWishes(r.Context(), &to, asked)
	if off := asked.choice.Off; errs.CodeOf(err) == codes.Erased && len(off) > 0 { // what they refuse holds all the same
		if _, failed := h.saveWishes(r.Context(), &to, changed{choice: consent.Choice{Off: off}}); failed != nil {
			err = failed
		}
	}
	if err != nil {
		h.failWishes(w, r, err)
		return
	}
	next := url.Values{}
	if saved {
		next.Set("saved", "1")
	}
	if lang := r.PostFormValue("lang"); lang != "" {
		next.Set("lang", lang)
	}
	http.Redirect(w, r, r.URL.Path+"?"+next.Encode(), http.StatusSeeOther)
}

// changed is what a customer changed.
type changed struct {
	choice      consent.Choice
	hours       *string // as the ledger keeps them; nil: unchanged
	language    string  // "": unchanged
	hoursShown  string  // the words beside the hours
	tongueShown string  // and beside the language
}

// readWishes takes the form apart; mistake is what to say when it can't be meant so.
func (h *house) readWishes(form url.Values, w *words) (changed, string) {
	a := changed{hoursShown: w.Wishes.Hours, tongueShown: w.Wishes.Language}
	if form.Get("do") == "stop" {
		for _, channel := range consent.Lanes {
			for _, purpose := range consent.Purposes {
				a.choice.Off = append(a.choice.Off, consent.Cell{Channel: channel, Purpose: purpose})
			}
		}
		return a, ""
	}
	was, on := strings.Fields(form.Get("cells")), form["on"]
	for _, channel := range waysShown {
		for _, purpose := range consent.Purposes {
			cell, value := consent.Cell{Channel: channel, Purpose: purpose}, channel+"."+purpose
			switch before, after := slices.Contains(was, value), slices.Contains(on, value); {
			case after && !before:
				a.choice.On = append(a.choice.On, cell)
			case before && !after:
				a.choice.Off = append(a.choice.Off, cell)
			}
		}
	}
	if form.Has("hours") && shownHours(form) != form.Get("was_hours") { // hours the form can't show come back as they were
		doc, mistake := readHours(form, w)
		if mistake != "" {
			return a, mistake
		}
		a.hours = &doc
	}
	if l := form.Get("language"); l != "" && slices.Contains(languages, l) && l != document.Choose(languages, form.Get("was_language")) {
		a.language = l
	}
	return a, ""
}

// shownHours are the chosen hours as the form shows them; see hoursText.
func shownHours(form url.Values) string {
	if form.Get("hours") != "own" {
		return "any"
	}
	text := "own"
	for _, kind := range kindsOfDays {
		text += " " + form.Get(kind.name+"_from") + "-" + form.Get(kind.name+"_to")
	}
	return text
}

// readHours reads the chosen hours as the ledger keeps them.
func readHours(form url.Values, w *words) (doc, mistake string) {
	if form.Get("hours") != "own" {
		return "", ""
	}
	own := customer.OwnDoc{}
	for _, kind := range kindsOfDays {
		from, to := form.Get(kind.name+"_from"), form.Get(kind.name+"_to")
		if from == "" && to == "" {
			continue
		}
		if _, err := policy.ParseSpan(from + "-" + to); err != nil {
			return "", w.Wishes.ErrorHours
		}
		own.Windows = append(own.Windows, customer.OwnWindow{Days: kind.days, Hours: []string{from + "-" + to}})
	}
	if len(own.Windows) == 0 {
		return "", w.Wishes.ErrorNoHours
	}
	b, err := json.Marshal(own)
	if err != nil {
		return "", w.Wishes.ErrorHours
	}
	return string(b), ""
}

// saveWishes writes each change into the ledger, with what the customer was shown. Of
// a link that went to an address which isn't theirs, only what ends contact is taken: saved is
// false if there was more.
func (h *house) saveWishes(ctx context.Context, to *answer.Invited, asked changed) (saved bool, err error) {
	person := to.Customer
	err = h.Answers.DB.Write(ctx, db.First, "wishes", func(tx *db.Tx) error {
		now, a := h.Answers.Clock.Now(), asked
		if err := customer.Lock(tx, []int64{person}); err != nil { // a point that is taken away now counts no more
			return err
		}
		loaded, err := customer.Load(tx, []int64{person})
		if err != nil {
			return err
		}
		theirs, err := h.theirs(tx, to, loaded[person])
		if err != nil {
			return err
		}
		if saved = theirs || len(a.choice.On) == 0 && a.hours == nil && a.language == ""; !saved {
			a = changed{choice: consent.Choice{Off: a.choice.Off}}
		}
		return h.writeWishes(tx, person, a, now)
	})
	return saved, err
}

func (h *house) writeWishes(tx *db.Tx, person int64, a changed, now time.Time) error {
	all, err := program.Wordings(tx)
	if err != nil {
		return err
	}
	shown := func(purpose string) string {
		for i := range all {
			if all[i].Purpose == purpose {
				return all[i].Ref()
			}
		}
		return ""
	}
	proof := consent.Wish{Customer: person, At: now, Source: sourceWishes, Proof: "page " + strconv.FormatInt(now.Truncate(time.Second).Unix(), 10)}
	if len(a.choice.On)+len(a.choice.Off) > 0 {
		if err := consent.Choose(tx, h.Answers.IDs, person, a.choice, shown, proof, now); err != nil {
			return err
		}
	}
	if a.hours != nil {
		w := proof
		w.What, w.Value, w.Wording = consent.Hours, *a.hours, a.hoursShown
		if err := consent.Say(tx, h.Answers.IDs, w, now); err != nil {
			return err
		}
	}
	if a.language != "" {
		w := proof
		w.What, w.Value, w.Wording = consent.Language, a.language, a.tongueShown
		return consent.Say(tx, h.Answers.IDs, w, now)
	}
	return nil
}

// failWishes says what is wrong with the link in words that fit this page.
func (h *house) failWishes(w http.ResponseWriter, r *http.Request, err error) {
	if errs.CodeOf(err) == codes.LinkExpired {
		h.show(w, http.StatusGone, h.plain(r, func(w *words) string { return w.TitleExpired }, func(w *words) string { return w.Wishes.Expired }))
		return
	}
	if errs.CodeOf(err) == codes.Erased {
		h.show(w, http.StatusGone, h.plain(r, func(w *words) string { return w.TitleExpired }, func(w *words) string { return w.Wishes.Erased }))
		return
	}
	h.fail(w, r, nil, err)
}
