package importer

import (
	"context"
	"strconv"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

var (
	pointColumns    = []string{"email", "phone", "inapp", "push", "im", "webhook"}
	customerColumns = append([]string{"id", "name", "language", "country", "birth_year", "zones", "has", "verified"}, pointColumns...)
)

// Customers imports customers: a CSV with a heading for each column, or NDJSON as the API takes them.
func Customers(ctx context.Context, house *acts.House, j *Job) error {
	read := func(row Row) (*customer.Customer, *errs.Error) { return acts.ReadCustomer(row.JSON) }
	if j.Reader.Format == CSV {
		cols, err := find(j.Reader.Headings, customerColumns, nil)
		if err == nil {
			err = cols.need("id")
		}
		if err != nil {
			return err
		}
		read = cols.customer
	}
	return run(ctx, j, read, func(b *batch[*customer.Customer], refuse func(int, *errs.Error) error) (int, int, error) {
		res, err := house.PutCustomers(ctx, db.Import, b.rows)
		if err != nil {
			return 0, 0, err
		}
		for _, r := range res.Refused {
			if err := refuse(r.Index, r.Err); err != nil {
				return 0, 0, err
			}
		}
		return res.Written, res.Unchanged, nil
	})
}

func (c columns) customer(row Row) (*customer.Customer, *errs.Error) {
	made := &customer.Customer{
		Ref: c.of(row, "id"), Name: c.of(row, "name"), Language: c.of(row, "language"), Country: c.of(row, "country"),
		Zones: several(c.of(row, "zones")), Has: several(c.of(row, "has")),
	}
	if text := c.of(row, "birth_year"); text != "" {
		year, err := strconv.Atoi(text)
		if err != nil {
			return nil, errs.New(errs.Invalid, codes.FieldInvalid, "the year of birth is %.20q; write four digits, or leave it empty", text).At("birth_year")
		}
		made.BirthYear = year
	}
	verified, ok := truth(c.of(row, "verified"))
	if !ok {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "verified is %.20q; write yes or no", c.of(row, "verified")).At("verified")
	}
	for _, channel := range pointColumns {
		for _, address := range addresses(channel, c.of(row, channel)) {
			made.Points = append(made.Points, customer.Point{Channel: channel, Address: address, Verified: verified})
		}
	}
	return made, nil
}

// addresses takes apart what stands in the field of a channel; a number may hold spaces.
func addresses(channel, text string) []string {
	switch {
	case text == "":
		return nil
	case channel == customer.Phone:
		return []string{text}
	}
	return several(text)
}
