package customer

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

const (
	phoneDigitsMin = 7
	phoneDigitsMax = 15 // E.164
	phoneCharsMax  = 40
)

// normalisePhone writes a number as + and its digits. One written whole is taken if numbers of
// its country can be that long: numbering plans change faster than lists of them. One that has
// to be completed with the customer's country must be a number in use there, since a guess
// would now and then reach a stranger.
func normalisePhone(address, country string) (string, error) {
	plain, ok := plainPhone(address)
	if !ok {
		return "", invalid("address", "this is no phone number: write + and digits, such as +8613911112222")
	}
	whole := plain[0] == '+'
	if !whole && country == "" {
		return "", invalid("address", "this phone number has no country code: write + and the code first, such as +8613911112222")
	}
	if short, ok := mobile(plain, country); ok {
		return short, nil
	}
	number, err := phonenumbers.Parse(plain, country)
	if err != nil {
		return "", invalid("address", "this is no phone number of any country: write + and the country's code first, such as +8613911112222")
	}
	switch {
	case whole && phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE:
		return "", invalid("address", "a phone number of this country has more digits, or fewer: write it whole, such as +8613911112222")
	case !whole && !completes(number, plain):
		return "", invalid("address", "this phone number has no country code, and in %s it is nobody's: write + and the code first, such as +8613911112222", country)
	}
	written := phonenumbers.Format(number, phonenumbers.E164)
	if n := len(written) - 1; n < phoneDigitsMin || n > phoneDigitsMax {
		return "", invalid("address", "a phone number has %d to %d digits with its country code", phoneDigitsMin, phoneDigitsMax)
	}
	return written, nil
}

// mobile knows the form of nearly all numbers there are in China, without asking the tables,
// which takes fifty microseconds: an import has a million of them.
func mobile(plain, country string) (string, bool) {
	const code, digits = "+86", 11
	national, whole := strings.CutPrefix(plain, code)
	if !whole && country != "CN" || len(national) != digits || national[0] != '1' || national[1] < '3' {
		return "", false
	}
	return code + national, true
}

// completes says whether a number without its country's code is surely one of that country:
// in use there, and a mobile or written with the 0 that landlines begin with. Ten digits from
// America are a landline of Dandong else.
func completes(number *phonenumbers.PhoneNumber, plain string) bool {
	if !phonenumbers.IsValidNumber(number) {
		return false
	}
	switch phonenumbers.GetNumberType(number) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return true
	}
	return plain[0] == '0'
}

// plainPhone takes out what stands between digits, and makes a leading 00 a +. Letters,
// extensions and everything else are no part of a number that is dialled.
func plainPhone(address string) (string, bool) {
	if len(address) > phoneCharsMax {
		return "", false
	}
	digits := make([]byte, 0, phoneCharsMax)
	for i, c := range address {
		switch {
		case c >= '0' && c <= '9', c == '+' && i == 0:
			digits = append(digits, byte(c))
		case strings.ContainsRune(" -().\u2010\u2011\u2012\u2013/", c):
		default:
			return "", false
		}
	}
	plain := string(digits)
	if rest, ok := strings.CutPrefix(plain, "00"); ok {
		plain = "+" + rest
	}
	return plain, strings.Trim(plain, "+") != ""
}
