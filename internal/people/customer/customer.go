package customer

import (
	"bytes"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
)

// Customer is one user of the wallet.
type Customer struct {
	ID        int64
	Ref       string   // the wallet's own id
	Known     bool     // false: met in an event only
	Name      string   // sealed in the database: empty until opened, see Open
	Language  string   // BCP 47: zh-CN, en
	Country   string   // ISO 3166 alpha-2
	BirthYear int      // sealed likewise
	Zones     []string // every candidate IANA zone, likeliest first
	Has       []string // what they have: app, card …
	Own       *policy.OwnHours
	Points    []Point
	Revision  int64  // raised by each change
	KeyID     int64  // the key they are sealed under; 0: none yet
	RefKey    string // keyed hash of the ref, in hex; Normalise gives it
	Gone      bool   // found when opening: the key was destroyed, the customer is being erased
	Damaged   error  // why part of the row can't be read; such a customer isn't contacted until the wallet sends them again

	profile []byte // sealed
}

// Point is one way of reaching a customer. Text messages and calls share the phone.
type Point struct {
	Channel  string // email, phone, inapp, push, im, webhook
	Address  string // sealed in the database: empty until opened, see Open
	Key      []byte // 16-byte keyed hash: the same for everyone who shares the address
	Verified bool
	Bounced  bool // messages came back for good: not used until confirmed

	sealed []byte
}

// The kinds of contact points.
const (
	Email = "email"
	Phone = "phone"
	InApp = "inapp"
)

// app is what a customer has who can be reached inside the wallet.
const app = "app"

// PointKind is the kind of contact point that a channel uses.
func PointKind(channel string) string {
	if channel == "sms" {
		return Phone
	}
	return channel
}

// Point is the contact point for a channel: a verified one before others, else the first; none that bounced.
func (c *Customer) Point(channel string) (Point, bool) {
	kind := PointKind(channel)
	found := -1
	for i := range c.Points {
		switch {
		case c.Points[i].Channel != kind || c.Points[i].Bounced:
		case c.Points[i].Verified:
			return c.Points[i], true
		case found < 0:
			found = i
		}
	}
	if found < 0 {
		return Point{}, false
	}
	return c.Points[found], true
}

// HasPoint says whether an address, by its keyed hash, is still the customer's on a channel.
func (c *Customer) HasPoint(channel string, key []byte) bool {
	kind := PointKind(channel)
	return slices.ContainsFunc(c.Points, func(p Point) bool { return p.Channel == kind && bytes.Equal(p.Key, key) })
}

// HasThing says whether the customer has something: the app, a card ….
func (c *Customer) HasThing(thing string) bool { return slices.Contains(c.Has, thing) }

// Age in years, as near as the year of birth tells; 0 when it isn't known.
func (c *Customer) Age(now time.Time) int64 {
	if c.BirthYear == 0 {
		return 0
	}
	return int64(now.Year() - c.BirthYear)
}

// MaskedName is the name with all but its first letter hidden, for messages that others may see.
func (c *Customer) MaskedName() string { return Mask(c.Name) }

// Mask hides all of a name but its first letter: 张三 becomes 张*, Mary Poppins M***.
func Mask(name string) string {
	letters := []rune(name)
	switch {
	case len(letters) == 0:
		return ""
	case letters[0] >= 0x2e80: // Chinese, Japanese and Korean names: as many stars as letters
		return string(letters[0]) + stars(min(max(len(letters)-1, 1), 3))
	}
	return string(letters[0]) + stars(3)
}

func stars(n int) string { return "***"[:n] }

// View is a customer as conditions see them, at one moment.
type View struct {
	Customer  *Customer
	Facts     *Facts
	Now       time.Time
	IsSegment func(name string) bool // nil: in none
}

// Ref is the wallet's own id.
func (v View) Ref() string { return v.Customer.Ref }

// Language is the customer's language, "" when unknown.
func (v View) Language() string { return v.Customer.Language }

// Country is the customer's country, "" when unknown.
func (v View) Country() string { return v.Customer.Country }

// Age in years, 0 when unknown.
func (v View) Age() int64 { return v.Customer.Age(v.Now) }

// Has says whether the customer has something.
func (v View) Has(thing string) bool { return v.Customer.HasThing(thing) }

// InSegment says whether the customer belongs to a segment.
func (v View) InSegment(name string) bool { return v.IsSegment != nil && v.IsSegment(name) }

// Sum of a field over a window such as 90d; see Facts.Sum.
func (v View) Sum(eventType, field, window string) int64 {
	return v.Facts.Sum(eventType, field, window, v.Now)
}

// Count of events over a window such as 90d; see Facts.Count.
func (v View) Count(eventType, window string) int64 { return v.Facts.Count(eventType, window, v.Now) }

// DaysSince the last event of a type; see Facts.DaysSince.
func (v View) DaysSince(eventType string) int64 { return v.Facts.DaysSince(eventType, v.Now) }
