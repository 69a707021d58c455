package acts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// CustomerDoc is a customer as the API and NDJSON files hold them: the whole record, which
// replaces what was there.
type CustomerDoc struct {
	ID        string           `json:"id,omitempty" doc:"The wallet's own id of the customer" maxLength:"128"`
	Name      string           `json:"name,omitempty" doc:"As the customer is addressed; shown masked"`
	Language  string           `json:"language,omitempty" doc:"BCP 47: zh-CN, en" example:"zh-CN"`
	Country   string           `json:"country,omitempty" doc:"ISO 3166, two letters; its rule pack holds" example:"CN"`
	BirthYear int              `json:"birth_year,omitempty" doc:"Year of birth; 0 or absent: not known"`
	Zones     []string         `json:"zones,omitempty" nullable:"false" doc:"Every IANA time zone the customer may be in, the likeliest first" example:"[\"Asia/Shanghai\"]"`
	Has       []string         `json:"has,omitempty" nullable:"false" doc:"What they have: app, card …"`
	OwnHours  *customer.OwnDoc `json:"own_hours,omitempty" doc:"The hours the customer asked for; they win over what a program prefers"`
	Points    []PointDoc       `json:"points,omitempty" nullable:"false" doc:"How to reach them"`
}

// PointDoc is one way of reaching a customer.
type PointDoc struct {
	Channel  string `json:"channel" doc:"email, phone (calls and text messages), inapp, push, im or webhook" example:"email"`
	Address  string `json:"address" doc:"An e-mail address, a number with its country code, or the channel's own name for the customer"`
	Verified bool   `json:"verified,omitempty" doc:"The customer has shown that it is theirs; preferred to others"`
}

// Customer reads the document.
func (d *CustomerDoc) Customer() (*customer.Customer, error) {
	own, err := d.OwnHours.Policy()
	if err != nil {
		return nil, err
	}
	c := &customer.Customer{
		Ref: d.ID, Name: d.Name, Language: d.Language, Country: d.Country, BirthYear: d.BirthYear, Zones: d.Zones, Has: d.Has, Own: own,
	}
	for _, p := range d.Points {
		c.Points = append(c.Points, customer.Point{Channel: p.Channel, Address: p.Address, Verified: p.Verified})
	}
	return c, nil
}

// CustomerDocOf writes a customer as a document.
func CustomerDocOf(c *customer.Customer) CustomerDoc {
	d := CustomerDoc{
		ID: c.Ref, Name: c.Name, Language: c.Language, Country: c.Country, BirthYear: c.BirthYear, Zones: c.Zones, Has: c.Has, OwnHours: customer.OwnDocOf(c.Own),
	}
	for _, p := range c.Points {
		d.Points = append(d.Points, PointDoc{Channel: p.Channel, Address: p.Address, Verified: p.Verified})
	}
	return d
}

var customerKeys = []string{"id", "name", "language", "country", "birth_year", "zones", "has", "own_hours", "points"}

// ReadCustomer reads one customer's JSON; a key we don't know is refused, with the nearest right one.
func ReadCustomer(raw []byte) (*customer.Customer, *errs.Error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return nil, badJSON(err)
	}
	for k := range keys {
		if near := document.DidYouMean(k, customerKeys); !known(k) {
			return nil, errs.New(errs.Invalid, codes.FieldUnknown, "a customer has no `%.40s`%s", k, near).At(fmt.Sprintf("%.40s", k))
		}
	}
	var d CustomerDoc
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields() // inside points and own_hours
	if err := dec.Decode(&d); err != nil {
		return nil, badJSON(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errs.New(errs.Invalid, codes.MalformedJSON, "something follows the customer; put one JSON object in each place")
	}
	c, err := d.Customer()
	if e, ours := errs.As(err); ours {
		return nil, e
	}
	return c, nil
}

func known(key string) bool {
	for _, k := range customerKeys {
		if k == key {
			return true
		}
	}
	return false
}

func badJSON(err error) *errs.Error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return errs.New(errs.Invalid, codes.FieldInvalid, "%s holds %s; it should be %s", wrong.Field, wrong.Value, jsonWord(wrong.Type.Kind().String())).At(wrong.Field)
	}
	return errs.New(errs.Invalid, codes.MalformedJSON, "this is no customer in JSON: write {\"id\": \"…\", …}").Because(err)
}

func jsonWord(kind string) string {
	switch kind {
	case "string":
		return "a text"
	case "int", "int64":
		return "a whole number"
	case "bool":
		return "true or false"
	case "slice":
		return "a list"
	default:
		return "an object"
	}
}
