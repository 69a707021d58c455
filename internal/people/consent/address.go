package consent

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// restoring are words that take a refusal by reply back, when they are all there is.
var restoring = []string{
	"start", "unstop", "resume", "subscribe", "订阅", "恢复", "恢复订阅", "重新订阅", "订閱", "恢復", "恢复接收", "恢复短信", "kt",
}

// Restores says whether a reply takes a refusal back: nothing but the word for it counts.
func Restores(text string) bool {
	text = strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, norm.NFKC.String(text[:min(len(text), readMax)]))
	return slices.Contains(restoring, text)
}

// OfAddress gives the standing refusals that were tied to an address alone, on one channel:
// those its holder made by writing back.
func OfAddress(tx *db.Tx, key []byte, channel string) ([]Refusal, error) {
	return db.All(tx, scanRefusal, `SELECT `+refusalColumns+` FROM refusal
		WHERE address_key = $1 AND customer_id = 0 AND channel = $2 AND withdrawn_at = 0 ORDER BY id LIMIT $3`, key, channel, historyMax)
}

// SharersOf lists the customers who have a contact point, in order of id.
func SharersOf(tx *db.Tx, key []byte) ([]int64, error) {
	all, err := db.All(tx, scanID, selectSharers, key)
	slices.Sort(all)
	return all, err
}
