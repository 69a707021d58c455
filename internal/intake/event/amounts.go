package event

import (
	"github.com/go-faster/jx"

	"github.com/huiyin/huiyin/internal/people/customer"
)

// Amounts are the numbers of an event that the customer's facts add up, each with the event's
// currency. It adds nothing for data its type wouldn't pass.
func (t *Type) Amounts(e *Event) []customer.Amount {
	var amounts []customer.Amount
	currency := ""
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(e.Data)
	it, err := d.ObjIter()
	if err != nil {
		return nil
	}
	for it.Next() {
		f, known := t.summed(string(it.Key()))
		switch {
		case t.currency && string(it.Key()) == "currency" && d.Next() == jx.String:
			currency, err = d.Str()
		case known && d.Next() == jx.Number:
			var n int64
			if n, err = d.Int64(); err == nil {
				amounts = append(amounts, customer.Amount{Field: f, N: n})
			}
		default:
			err = d.Skip()
		}
		if err != nil {
			return nil
		}
	}
	if it.Err() != nil {
		return nil
	}
	for i := range amounts {
		amounts[i].Currency = currency
	}
	return amounts
}

// summed finds a field that is added up, by its name as the type spells it.
func (t *Type) summed(name string) (string, bool) {
	for i := range t.Fields {
		if t.Fields[i].Sum && t.Fields[i].Name == name {
			return t.Fields[i].Name, true
		}
	}
	return "", false
}

// Amounts are the numbers of an event that the customer's facts add up; none for a type that isn't in the catalogue.
func (c *Catalogue) Amounts(e *Event) []customer.Amount {
	if t, ok := c.byName[e.Type]; ok {
		return t.Amounts(e)
	}
	return nil
}
