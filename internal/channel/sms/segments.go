package sms

// What one segment holds, alone and as a part of a longer message, whose header takes room.
const (
	gsmAlone   = 160
	gsmJoined  = 153
	ucs2Alone  = 70
	ucs2Joined = 67
)

// Alphabet is how a text is sent.
type Alphabet string

// The alphabets.
const (
	GSM7 Alphabet = "gsm7"
	UCS2 Alphabet = "ucs2"
)

const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€" // each takes two places
)

var gsmWidth = func() map[rune]int {
	width := map[rune]int{}
	for _, c := range gsmBasic {
		width[c] = 1
	}
	for _, c := range gsmExtended {
		width[c] = 2
	}
	return width
}()

// Segments says how many messages a provider counts for a text, and in which alphabet. With
// ucs2Only the text counts as UCS-2 whatever it holds, as mainland Chinese gateways count.
// A character of two places is never split between two segments.
func Segments(text string, ucs2Only bool) (int, Alphabet) {
	if text == "" {
		return 0, GSM7
	}
	if !ucs2Only {
		if n, ok := pack(text, gsmAlone, gsmJoined, func(c rune) int { return gsmWidth[c] }); ok {
			return n, GSM7
		}
	}
	n, _ := pack(text, ucs2Alone, ucs2Joined, func(c rune) int {
		if c > 0xffff {
			return 2
		}
		return 1
	})
	return n, UCS2
}

// pack counts segments; ok is false if a character has no width.
func pack(text string, alone, joined int, width func(rune) int) (segments int, ok bool) {
	total, used := 0, 0
	segments = 1
	for _, c := range text {
		w := width(c)
		if w == 0 {
			return 0, false
		}
		total += w
		if used+w > joined {
			segments++
			used = 0
		}
		used += w
	}
	if total <= alone {
		return 1, true
	}
	return segments, true
}
