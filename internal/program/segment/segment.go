package segment

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
)

// Everyone is the built-in segment all customers belong to.
const Everyone = "everyone"

// Definition is a document of kind Segment.
type Definition struct {
	Title document.Text `yaml:"title"`
	When  string        `yaml:"when"`
}

// Segment is compiled; it is safe for concurrent use.
type Segment struct {
	Name  string
	Title document.Text
	when  *condition.Condition
}

// Compile checks a definition.
func Compile(name string, def *Definition, env *condition.Env) (*Segment, error) {
	if name == Everyone {
		return nil, errs.New(errs.Invalid, "document-name", "`%s` is built in; choose another name", Everyone).At("name")
	}
	if def.When == "" {
		return nil, errs.New(errs.Invalid, "document-shape", "a segment needs a condition, such as `when: customer.has(\"app\")`").At("when")
	}
	when, err := env.Compile(def.When, condition.Segment, "")
	if err != nil {
		var p document.Problems
		p.AddAt("when", err)
		return nil, p.Err()
	}
	return &Segment{Name: name, Title: def.Title, when: when}, nil
}

// Holds says whether the customer belongs to the segment. A nil Segment is everyone.
func (s *Segment) Holds(c condition.CustomerView) (bool, error) {
	if s == nil {
		return true, nil
	}
	return s.when.Match(condition.Vars{Customer: c})
}

// Condition gives the segment's condition; nil, which always holds, for everyone.
func (s *Segment) Condition() *condition.Condition {
	if s == nil {
		return nil
	}
	return s.when
}

// Bucket draws a customer's lot: a number from 0 up to but not including 1, the same for ever.
func Bucket(salt, customerID string) float64 {
	h := sha256.New()
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(salt))) // so that no two pairs read alike
	_, _ = h.Write(length[:])
	_, _ = h.Write([]byte(salt))
	_, _ = h.Write([]byte(customerID))
	const bits = 53 // what a float64 holds exactly
	return float64(binary.BigEndian.Uint64(h.Sum(nil))>>(64-bits)) / (1 << bits)
}

// HeldOut says whether the customer is among the share of the program that gets its notices only.
func HeldOut(program, customerID string, share float64) bool {
	return share > 0 && Bucket("hold-out:"+program, customerID) < share
}

// Sampled says whether the customer is in the program's sample. It is drawn apart from the hold-out.
func Sampled(program, customerID string, share float64) bool {
	return share >= 1 || Bucket("sample:"+program, customerID) < share
}
