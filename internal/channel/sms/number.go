package sms

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// How sure it is that digits are somebody's number.
const (
	nobodys  = iota
	possible // of a length its country has
	valid    // in use there
)

// international writes the number a reply came from as + and its digits, which is how the
// refusal in it finds its customer. Without a + or 00 the digits may be the whole number or as
// people write it at home: the reading that is a number is taken; where both are, the whole
// one, unless the gateway serves one country and the digits don't begin with its code. What is
// no number either way is left as it stands.
func (c *Channel) international(number string) string {
	plain := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(number)
	digits, whole := strings.CutPrefix(plain, "+")
	if !whole {
		digits, whole = strings.CutPrefix(plain, "00")
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return number
	}
	if whole {
		return "+" + digits
	}
	asWhole, sure := reading("+" + digits)
	national, home := c.national(digits)
	codes := c.doc.Numbers.CountryCodes
	atHome := len(codes) == 1 && !strings.HasPrefix(digits, codes[0])
	switch {
	case home > sure || home == sure && atHome && home > nobodys:
		return national
	case sure > nobodys:
		return asWhole
	}
	return number
}

// national reads digits as people of the gateway's countries write them; where they are as
// well a number of one as of another, they are nobody's.
func (c *Channel) national(digits string) (number string, sure int) {
	for _, code := range slices.Compact(slices.Sorted(slices.Values(c.doc.Numbers.CountryCodes))) {
		one, how := reading("+" + code + digits)
		if code == "86" && len(digits) == 11 && digits[0] == '1' && digits[1] >= '3' {
			how = valid // a mobile in China, whatever the tables know of its range
		}
		switch {
		case how > sure:
			number, sure = one, how
		case how == sure && one != number:
			number = ""
		}
	}
	if number == "" {
		sure = nobodys
	}
	return number, sure
}

func reading(text string) (number string, sure int) {
	n, err := phonenumbers.Parse(text, "")
	switch {
	case err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE:
		return "", nobodys
	case phonenumbers.IsValidNumber(n):
		sure = valid
	default:
		sure = possible
	}
	return phonenumbers.Format(n, phonenumbers.E164), sure
}
