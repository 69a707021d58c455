package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Person is the customer an address speaks of. It is exported, like all that is
// embedded in inputs, since huma passes over embedded fields that aren't.
type Person struct {
	Ref string `path:"ref" maxLength:"128" doc:"The wallet's id of the customer"`
}

type customerPut struct {
	Person
	Body acts.CustomerDoc
}

type customerOut struct {
	Body struct {
		acts.CustomerDoc
		Known    bool  `json:"known" doc:"false: met in an event only"`
		Revision int64 `json:"revision" doc:"Raised by each change"`
	}
}

type customersIn struct {
	Body struct {
		Customers []json.RawMessage `json:"customers" nullable:"false" maxItems:"10000" doc:"Each as PUT /v1/customers/{ref} takes it, with its id"`
	}
}

// rowProblem is one of several that was refused.
type rowProblem struct {
	Index  int    `json:"index" doc:"Its place in the request, from 0"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Path   string `json:"path,omitempty"`
}

func rowProblemOf(index int, e *errs.Error) rowProblem {
	return rowProblem{Index: index, Code: e.Code, Detail: e.Text, Path: e.Path}
}

type customersOut struct {
	Body struct {
		Written   int          `json:"written" doc:"New or changed"`
		Unchanged int          `json:"unchanged"`
		Refused   []rowProblem `json:"refused" nullable:"false"`
	}
}

type mayIn struct {
	Person
	Channel string `query:"channel" required:"true" example:"email"`
	Purpose string `query:"purpose" required:"true" enum:"notice,service,safety,survey,marketing"`
}

type mayOut struct {
	Body struct {
		At      time.Time  `json:"at"`
		Verdict string     `json:"verdict" enum:"allow,defer,deny"`
		Reason  string     `json:"reason"`
		Text    both       `json:"text" doc:"The reason in words"`
		Rule    string     `json:"rule,omitempty" doc:"What bound: cn/phone-hours, default: survey 1 per 30d"`
		Until   *time.Time `json:"until,omitempty" doc:"With defer: the first moment at which, by what is known now, all holds"`
		Counted int        `json:"counted" doc:"Contacts that caps look back on"`
	}
}

// customers registers who the customers are.
func (a *API) customers() {
	tags := []string{"Customers"}
	add(a, huma.Operation{
		OperationID: "put-customer", Method: http.MethodPut, Path: "/v1/customers/{ref}", Tags: tags,
		Summary: "Write a customer as the wallet knows them now", Description: "The whole record; it replaces what was there. Writing the same again changes nothing. Follow-ups that waited to know the customer fall due at once.",
	}, a.putCustomer)
	add(a, huma.Operation{
		OperationID: "get-customer", Method: http.MethodGet, Path: "/v1/customers/{ref}", Tags: tags, Summary: "Read a customer",
	}, a.getCustomer)
	add(a, huma.Operation{
		OperationID: "put-customers", Method: http.MethodPost, Path: "/v1/customers/batch", Tags: tags, MaxBodyBytes: batchBytesMax,
		Summary: "Write many customers", Description: "At most 10,000. A bad one costs only itself.",
	}, a.putCustomers)
	add(a, huma.Operation{
		OperationID: "may-contact", Method: http.MethodGet, Path: "/v1/customers/{ref}/may-contact", Tags: tags,
		Summary: "May we contact them now?", Description: "What would be decided at this moment, and why. Asking reserves nothing.",
	}, a.mayContact)
}

func (a *API) putCustomer(ctx context.Context, in *customerPut) (*customerOut, error) {
	if in.Body.ID != "" && in.Body.ID != in.Ref {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "the id in the body is another one than in the address; leave it out").At("id")
	}
	in.Body.ID = in.Ref
	c, err := in.Body.Customer()
	if err != nil {
		return nil, err
	}
	res, err := a.House.PutCustomers(ctx, db.Outcome, []*customer.Customer{c})
	if err != nil {
		return nil, err
	}
	if len(res.Refused) > 0 {
		return nil, res.Refused[0].Err
	}
	return customerAnswer(c.Masked()), nil
}

func (a *API) getCustomer(ctx context.Context, in *Person) (*customerOut, error) {
	c, err := a.House.Customer(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	return customerAnswer(c), nil
}

func customerAnswer(c *customer.Customer) *customerOut {
	out := &customerOut{}
	out.Body.CustomerDoc, out.Body.Known, out.Body.Revision = acts.CustomerDocOf(c), c.Known, c.Revision
	return out
}

func (a *API) putCustomers(ctx context.Context, in *customersIn) (*customersOut, error) {
	out := &customersOut{}
	out.Body.Refused = []rowProblem{}
	var all []*customer.Customer
	var places []int
	for i, raw := range in.Body.Customers {
		c, bad := acts.ReadCustomer(raw)
		if bad != nil {
			out.Body.Refused = append(out.Body.Refused, rowProblemOf(i, bad))
			continue
		}
		all, places = append(all, c), append(places, i)
	}
	res, err := a.House.PutCustomers(ctx, db.Import, all)
	if err != nil {
		return nil, err
	}
	out.Body.Written, out.Body.Unchanged = res.Written, res.Unchanged
	for _, r := range res.Refused {
		out.Body.Refused = append(out.Body.Refused, rowProblemOf(places[r.Index], r.Err))
	}
	return out, nil
}

func (a *API) mayContact(ctx context.Context, in *mayIn) (*mayOut, error) {
	m, err := a.House.MayContact(ctx, in.Ref, in.Channel, in.Purpose)
	if err != nil {
		return nil, err
	}
	out := &mayOut{}
	out.Body.At, out.Body.Verdict, out.Body.Reason = m.At, m.Decision.Verdict.String(), string(m.Decision.Reason)
	out.Body.Text, out.Body.Rule, out.Body.Counted = sentence(string(m.Decision.Reason)), m.Decision.Rule, m.Counted
	if !m.Decision.Until.IsZero() {
		until := m.Decision.Until.UTC()
		out.Body.Until = &until
	}
	return out, nil
}
