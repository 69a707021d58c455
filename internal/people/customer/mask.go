package customer

import (
	"slices"
	"strings"
)

// How much of an address is shown where it is masked.
const (
	phoneHead     = 3 // digits of a Chinese number: 138****0001
	phoneTail     = 4
	foreignTail   = 2 // of another country's, of which the lengths are not known
	maskedFrom    = 8 // anything shorter is hidden whole
	chinaCode     = "+86"
	chinaDigits   = 11
	starsOfPhone  = 4
	starsOfOthers = 3
)

// Masked is the customer as most may see them: the name's first letter, of the addresses
// enough to tell them apart, no year of birth.
func (c *Customer) Masked() *Customer {
	m := *c
	m.Name, m.BirthYear, m.profile = Mask(c.Name), 0, nil
	m.Points = slices.Clone(c.Points)
	for i := range m.Points {
		p := &m.Points[i]
		p.Address, p.sealed = MaskAddress(p.Channel, p.Address), nil
	}
	return &m
}

// MaskAddress hides most of an address: 138****0001, z***@e***.com.
func MaskAddress(channel, address string) string {
	switch PointKind(channel) {
	case Phone:
		return maskPhone(address)
	case Email:
		return maskEmail(address)
	}
	if len(address) < maskedFrom || strings.ContainsFunc(address, func(r rune) bool { return r > '~' || r < '!' }) {
		return stars(starsOfOthers)
	}
	return address[:1] + stars(starsOfOthers) + address[len(address)-1:]
}

func maskPhone(number string) string {
	if national, ok := strings.CutPrefix(number, chinaCode); ok && len(national) == chinaDigits {
		return national[:phoneHead] + strings.Repeat("*", starsOfPhone) + national[chinaDigits-phoneTail:]
	}
	if len(number) < maskedFrom {
		return strings.Repeat("*", starsOfPhone)
	}
	return number[:2] + strings.Repeat("*", starsOfPhone) + number[len(number)-foreignTail:]
}

func maskEmail(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 {
		return stars(starsOfOthers)
	}
	domain := address[at+1:]
	end := ""
	if dot := strings.LastIndexByte(domain, '.'); dot > 0 {
		domain, end = domain[:dot], domain[dot:]
	}
	return first(address) + stars(starsOfOthers) + "@" + first(domain) + stars(starsOfOthers) + end
}

// first is the first letter of a text.
func first(text string) string {
	for _, r := range text {
		return string(r)
	}
	return ""
}
