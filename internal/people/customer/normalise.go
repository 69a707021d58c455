package customer

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones are judged the same on a machine without a zone database
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	refCharsMax     = 128
	nameCharsMax    = 200
	addressCharsMax = 254
	localCharsMax   = 64 // before the @ of an address
	thingCharsMax   = 64
	zonesMax        = 20
	thingsMax       = 50
	pointsMax       = 20
	birthYearMin    = 1900

	pointKeyBytes   = 16
	pointKeyPurpose = "contact-point"
)

var (
	languageForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)
	countryForm  = regexp.MustCompile(`^[A-Z]{2}$`)
	kindForm     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
)

func invalid(path, format string, a ...any) *errs.Error {
	return errs.New(errs.Invalid, codes.FieldInvalid, format, a...).At(path)
}

// Normalise checks a customer as the wallet gave it, brings it into the one form we keep and
// gives each contact point its key. now bounds the year of birth.
func Normalise(c *Customer, keys *crypt.Keyring, now time.Time) error {
	if err := checkText("id", c.Ref, refCharsMax); err != nil {
		return err
	}
	if c.Ref == "" {
		return errs.New(errs.Invalid, codes.FieldMissing, "the customer has no id: give the wallet's own").At("id")
	}
	c.RefKey = hex.EncodeToString(RefKey(keys, c.Ref))
	if err := checkText("name", c.Name, nameCharsMax); err != nil {
		return err
	}
	if strings.Contains(c.Name, "*") {
		return invalid("name", "the name holds a star, as a masked one does; give the name itself, or leave it out")
	}
	c.Country = strings.ToUpper(c.Country)
	switch {
	case c.Language != "" && !languageForm.MatchString(c.Language):
		return invalid("language", "the language is %q: write it as zh-CN or en", c.Language)
	case c.Country != "" && !countryForm.MatchString(c.Country):
		return invalid("country", "the country is %q: write two letters, such as CN", c.Country)
	case c.BirthYear != 0 && (c.BirthYear < birthYearMin || c.BirthYear > now.Year()):
		return invalid("birth_year", "the year of birth is %d: it must lie between %d and %d, or be left out", c.BirthYear, birthYearMin, now.Year())
	}
	if err := normaliseZones(c); err != nil {
		return err
	}
	if err := normaliseThings(c); err != nil {
		return err
	}
	if err := checkOwn(c.Own); err != nil {
		return err
	}
	return normalisePoints(c, keys)
}

func checkText(path, text string, most int) error {
	if n := utf8.RuneCountInString(text); n > most {
		return invalid(path, "%s has %d characters; at most %d are allowed", path, n, most)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || strings.TrimSpace(text) != text {
		return invalid(path, "%s holds a control or broken character, or a space at its end: remove it", path)
	}
	return nil
}

func normaliseZones(c *Customer) error {
	if len(c.Zones) > zonesMax {
		return invalid("zones", "%d zones are given; at most %d are allowed", len(c.Zones), zonesMax)
	}
	c.Zones = unique(c.Zones)
	for i, z := range c.Zones {
		if !IsZone(z) {
			return invalid(fmt.Sprintf("zones[%d]", i), "%q is no IANA time zone: write it as Asia/Shanghai", z)
		}
	}
	return nil
}

var zones sync.Map // name -> bool, of names that are zones: the world has some six hundred

// IsZone says whether a name is an IANA time zone.
func IsZone(name string) bool {
	if _, known := zones.Load(name); known {
		return true
	}
	if name == "" || name == "Local" {
		return false
	}
	if _, err := time.LoadLocation(name); err != nil {
		return false
	}
	zones.Store(name, true)
	return true
}

func normaliseThings(c *Customer) error {
	if len(c.Has) > thingsMax {
		return invalid("has", "%d things are listed; at most %d are allowed", len(c.Has), thingsMax)
	}
	c.Has = unique(c.Has)
	slices.Sort(c.Has)
	for _, h := range c.Has {
		if h == "" {
			return invalid("has", "an empty word is in has: remove it")
		}
		if err := checkText("has", h, thingCharsMax); err != nil {
			return err
		}
	}
	return nil
}

func unique(words []string) []string {
	var kept []string
	for _, w := range words {
		if !slices.Contains(kept, w) {
			kept = append(kept, w)
		}
	}
	return kept
}

// normalisePoints brings the points into one spelling, each once. Whoever has the app can be
// reached in it under the wallet's own id, so that point need not be given.
func normalisePoints(c *Customer, keys *crypt.Keyring) error {
	points := make([]Point, 0, len(c.Points)+1)
	for i, p := range c.Points {
		if p.Channel = PointKind(p.Channel); p.Channel == RefPoint {
			return invalid(fmt.Sprintf("points[%d].channel", i), "a contact point can't be of the kind %q: that name is ours", RefPoint)
		}
		address, err := NormaliseAddress(p.Channel, p.Address, c.Country)
		if e, ok := errs.As(err); ok {
			return e.At(fmt.Sprintf("points[%d]", i))
		}
		p.Address, p.Key = address, PointKey(keys, p.Channel, address)
		at := slices.IndexFunc(points, func(q Point) bool { return q.Channel == p.Channel && bytes.Equal(q.Key, p.Key) })
		if at >= 0 {
			points[at].Verified = points[at].Verified || p.Verified
			continue
		}
		points = append(points, p)
	}
	if c.HasThing(app) && !slices.ContainsFunc(points, func(p Point) bool { return p.Channel == InApp }) {
		points = append(points, Point{Channel: InApp, Address: c.Ref, Key: PointKey(keys, InApp, c.Ref), Verified: true})
	}
	if len(points) > pointsMax {
		return invalid("points", "%d contact points are given; at most %d are allowed", len(points), pointsMax)
	}
	c.Points = points
	return nil
}

// PointKey is the keyed hash of an address in its normalised spelling. Mailboxes that differ
// only in case count as one: a refusal must not be lost to a capital letter.
func PointKey(keys *crypt.Keyring, kind, address string) []byte {
	if kind == Email {
		address = strings.ToLower(address)
	}
	return keys.MAC(pointKeyPurpose, []byte(kind), []byte(address))[:pointKeyBytes]
}

// NormaliseAddress gives the one spelling of an address. country helps to read phone numbers
// written without their country's code.
func NormaliseAddress(channel, address, country string) (string, error) {
	kind := PointKind(channel)
	if !kindForm.MatchString(kind) {
		return "", invalid("channel", "%q is no channel: write phone, email, inapp or another in small letters", channel)
	}
	address = strings.TrimSpace(norm.NFKC.String(address)) // full-width digits and letters become plain ones
	if address == "" {
		return "", errs.New(errs.Invalid, codes.FieldMissing, "the %s address is empty: give it or leave the point out", kind).At("address")
	}
	if err := checkText("address", address, addressCharsMax); err != nil {
		return "", err
	}
	switch kind {
	case Email:
		return normaliseEmail(address)
	case Phone:
		return normalisePhone(address, country)
	}
	return address, nil
}

// normaliseEmail lowers the domain, which has no case; what stands before the @ is the mail
// server's business and stays.
func normaliseEmail(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at > localCharsMax || strings.ContainsFunc(address, func(c rune) bool {
		return unicode.IsSpace(c) || strings.ContainsRune(`<>()[],;:\"`, c)
	}) || strings.Contains(address[:at], "@") {
		return "", invalid("address", "this is no e-mail address: write it as name@example.com")
	}
	domain := strings.ToLower(address[at+1:])
	labels := strings.Split(domain, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return "", invalid("address", "the part behind the @ is no domain: write it as name@example.com")
		}
	}
	if len(labels) < 2 {
		return "", invalid("address", "the part behind the @ is no domain: write it as name@example.com")
	}
	return address[:at+1] + domain, nil
}
