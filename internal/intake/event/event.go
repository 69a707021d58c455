package event

import (
	"encoding/json"
	"time"
)

// Event is one fact from the wallet.
type Event struct {
	Seq      int64     // place in the log, in the order of commits; 0 before it is logged
	ID       string    // the source's own id; with Source it names the event for ever
	Source   string    // who tells us, e.g. /wallet/payments
	Type     string    // a type of the catalogue, e.g. wallet.payment.failed
	Subject  string    // the wallet's id of the customer
	At       time.Time // when it happened, by the source
	Received time.Time // when we got it; for audit, never for decisions
	Data     []byte    // a JSON object
}

// Kind is the kind of value a data field holds.
type Kind uint8

// The kinds of fields.
const (
	String Kind = iota + 1
	Int
	Double
	Bool
	Timestamp // a string in the form of RFC 3339
	Object
	List
)

var kindNames = [...]string{"unknown", "string", "integer", "number", "boolean", "timestamp", "object", "list"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[0]
}

// Field is one field of a type's data.
type Field struct {
	Name     string
	Kind     Kind
	Required bool
	Sum      bool    // added up in the customer's facts: amount_minor, or marked x-sum in the schema
	Fields   []Field // of an Object; none means anything may be inside
	Of       Kind    // of a List's items; 0 means anything
}

// Type is one entry of the catalogue: a kind of fact, and what its data must look like.
type Type struct {
	Name   string
	Title  map[string]string // by language
	Schema json.RawMessage   // JSON Schema of the data
	Fields []Field           // sorted by name; what conditions and templates may speak of

	check    checker
	currency bool // a string field "currency" says what the sums are counted in
}

// Field finds a field by name.
func (t *Type) Field(name string) (Field, bool) {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return t.Fields[i], true
		}
	}
	return Field{}, false
}
