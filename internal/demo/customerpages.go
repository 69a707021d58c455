package demo

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/rules"
	"github.com/huiyin/huiyin/internal/program/segment"
)

const (
	customersListed     = 50
	customerFollowUps   = 20
	factWindow          = "30d"
	capPolicyKind       = document.KindCapPolicy
	amountField         = "amount_minor"
	minorUnitsPerSingle = 100
)

// customersPage lists the customers.
type customersPage struct {
	Rows  []customerRow
	After int64 // the next page begins after this id; 0: this is the last
}

type customerRow struct {
	*customer.Customer
	Remark document.Text
}

func (d *Demo) customers(q *request) (any, error) {
	var after int64
	if text := q.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, errs.New(errs.Invalid, codes.CursorInvalid, "the place in the list can't be read; begin again at the first page").At("after")
		}
	}
	q.quiet = true
	p := &customersPage{}
	err := d.DB.Read(q.Context(), func(tx *db.Tx) error {
		all, err := customer.Page(tx, after, customersListed)
		p.Rows, p.After = nil, 0
		if err == nil {
			err = customer.OpenProfiles(q.Context(), d.House.Vault, all...)
		}
		for _, c := range all {
			p.Rows = append(p.Rows, customerRow{Customer: c.Masked(), Remark: d.remark(c.Ref)})
		}
		if len(all) == customersListed {
			p.After = all[len(all)-1].ID
		}
		return err
	})
	return p, err
}

func (d *Demo) remark(ref string) document.Text {
	for i := range d.guests {
		if d.guests[i].customer.Ref == ref {
			return d.guests[i].remark
		}
	}
	return nil
}

// customerPage is one customer: who, what is allowed, what happened.
type customerPage struct {
	*customer.Customer
	Age        int64
	Remark     document.Text
	Now        time.Time
	Local      []localTime
	May        []may
	Ledger     []acts.Shown // what they allowed, refused and wished
	Allowances []allowance
	Facts      []fact
	HeldOut    []document.Text // titles of the programs that leave them alone
	FollowUps  []followUpRow
	Own        []string
}

// localTime is what the clock shows where the customer may be.
type localTime struct {
	Zone string
	At   time.Time
}

// may is what would be decided now for a purpose: under the rules that hold here,
// and under those that ship.
type may struct {
	Purpose       string
	Here, Shipped policy.Decision
}

// allowance is what a cap leaves.
type allowance struct {
	Purpose string
	N, Used int
	Per     document.Duration
	Left    int
}

// fact is what events of a type have told.
type fact struct {
	Title         document.Text
	Name          string
	Total, Window int64
	Sum           string // of amounts in the window
	Last          time.Time
}

var purposesShown = []string{policy.Notice, policy.Service, policy.Survey, policy.Marketing}

func (d *Demo) customer(q *request) (any, error) {
	c, err := d.House.Customer(q.Context(), q.PathValue("ref"))
	if err != nil {
		return nil, err
	}
	p := &customerPage{Customer: c, Now: d.Clock.Now(), Age: c.Age(d.Clock.Now()), Remark: d.remark(c.Ref)}
	for _, z := range c.Zones {
		if at, err := time.LoadLocation(z); err == nil {
			p.Local = append(p.Local, localTime{z, p.Now.In(at)})
		}
	}
	if own := customer.OwnDocOf(c.Own); own != nil {
		for _, w := range own.Windows {
			p.Own = append(p.Own, w.Hours...)
		}
	}
	for _, purpose := range purposesShown {
		m, err := d.House.MayContact(q.Context(), c.Ref, customer.Email, purpose)
		if err != nil {
			return nil, err
		}
		p.May = append(p.May, may{Purpose: purpose, Here: m.Decision})
	}
	if p.Ledger, err = d.House.Ledger(q.Context(), c.Ref); err != nil {
		return nil, err
	}
	if err := d.addHistory(q, p); err != nil {
		return nil, err
	}
	if err := d.addAllowance(q, p); err != nil {
		return nil, err
	}
	for i := range p.May {
		p.May[i].Here.Until, p.May[i].Shipped.Until = p.there(p.May[i].Here.Until), p.there(p.May[i].Shipped.Until)
	}
	q.title = c.Name
	return p, nil
}

// there gives a time to the clock the customer lives by.
func (p *customerPage) there(t time.Time) time.Time {
	if len(p.Zones) == 0 {
		return t.UTC()
	}
	return inZone(t, p.Zones[0])
}

// addHistory adds facts and follow-ups.
func (d *Demo) addHistory(q *request, p *customerPage) error {
	set, err := d.shelf(q.Context())
	if err != nil {
		return err
	}
	for _, pub := range set.Published() {
		if pub.Live.Audience.HoldOut > 0 && segment.HeldOut(pub.Live.Name, p.Ref, pub.Live.Audience.HoldOut) {
			p.HeldOut = append(p.HeldOut, set.titles[pub.Live.Name])
		}
	}
	return d.DB.Read(q.Context(), func(tx *db.Tx) error {
		all, err := followup.OfCustomer(tx, p.ID, customerFollowUps)
		if err != nil {
			return err
		}
		if p.FollowUps, err = rowsOf(tx, d.House.Vault, set, all); err != nil {
			return err
		}
		known, err := customer.LoadFacts(tx, []int64{p.ID})
		if err != nil {
			return err
		}
		f := known[p.ID]
		p.Facts = nil
		for _, t := range set.Catalogue().Types() {
			if f.Total(t.Name) == 0 {
				continue
			}
			one := fact{Title: t.Title, Name: t.Name, Total: f.Total(t.Name), Window: f.Count(t.Name, factWindow, p.Now), Last: f.Last(t.Name)}
			if sum := f.Sum(t.Name, amountField, factWindow, p.Now); sum > 0 {
				one.Sum = strconv.FormatFloat(float64(sum)/minorUnitsPerSingle, 'f', 2, 64)
			}
			p.Facts = append(p.Facts, one)
		}
		return nil
	})
}

// addAllowance adds what the caps leave, and what the shipped rules would say. Reading
// allowance locks it, so this is a transaction that is taken back, like MayContact's.
func (d *Demo) addAllowance(q *request, p *customerPage) error {
	docs, err := d.House.Documents(q.Context(), capPolicyKind, "")
	if err != nil {
		return err
	}
	err = d.DB.Write(q.Context(), db.Count, "demo-allowance", func(tx *db.Tx) error {
		keys := []string{attempt.CustomerKey(p.ID)}
		if point, has := p.Point(customer.Email); has {
			keys = append(keys, attempt.PointKey(point.Key))
		}
		rows, err := attempt.LockAllowances(tx, keys)
		if err != nil {
			return err
		}
		counted := rows.Counted(keys...)
		standing, err := consent.StandingOf(tx, []int64{p.ID})
		if err != nil {
			return err
		}
		s := standing[p.ID]
		for i := range p.May {
			p.May[i].Shipped = d.shipped.Decide(&policy.Facts{
				Zones: p.Zones, Country: p.Country, Own: p.Customer.Own, Channel: customer.Email, Purpose: p.May[i].Purpose,
				Refusals: s.Refusals, Consents: s.Consents, Counted: counted,
			}, p.Now)
			if !p.hasPoint() {
				p.May[i].Shipped = p.May[i].Here
			}
		}
		p.Allowances = nil
		for _, doc := range docs {
			caps, err := rules.DecodeCaps(doc)
			if err != nil {
				return err
			}
			for _, purpose := range purposesShown {
				for _, one := range caps.Purposes[purpose] {
					used := usedOf(counted, purpose, p.Now.Add(-one.Per.Std()))
					p.Allowances = append(p.Allowances, allowance{Purpose: purpose, N: one.N, Used: used, Per: one.Per, Left: max(0, one.N-used)})
				}
			}
		}
		return errLook
	})
	if errors.Is(err, errLook) {
		return nil
	}
	return err
}

// erase erases a customer, as somebody with the right would at their request.
func (d *Demo) erase(q *request) (string, error) {
	_, err := d.House.Erase(q.Context(), actor, q.PathValue("ref"), "asked for on the demo's page")
	return "/customers", err
}

// export hands over everything that is held on a customer.
func (d *Demo) export(w http.ResponseWriter, r *http.Request) {
	all, err := d.House.Export(r.Context(), actor, r.PathValue("ref"))
	if err != nil {
		d.fail(w, &request{Request: r, view: d.views[d.language(w, r)]}, "customers", err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(all) // whoever asked may have gone
}

// errLook takes back what looking locked.
var errLook = errs.New(errs.Conflict, codes.Conflict, "looking changes nothing")

func (p *customerPage) hasPoint() bool {
	_, has := p.Point(customer.Email)
	return has
}

// usedOf counts as caps do: a follow-up once per purpose.
func usedOf(counted []policy.Counted, purpose string, since time.Time) int {
	var followUps []int64
	n := 0
	for _, c := range counted {
		if c.Purpose != purpose || !c.At.After(since) {
			continue
		}
		if c.FollowUp == 0 {
			n++
		} else if !slices.Contains(followUps, c.FollowUp) {
			followUps = append(followUps, c.FollowUp)
		}
	}
	return min(n+len(followUps), math.MaxInt32)
}
