package channel

import (
	"strings"
	"time"
	"unicode"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	// DetailLimitBytes bounds how much of a provider's words is kept.
	DetailLimitBytes = 300
	// RetryAfterMost bounds how long a provider can make a message wait.
	RetryAfterMost  = 24 * time.Hour
	retryAfterLeast = time.Second
	hiddenAddress   = "‹address›"
)

// Accepted is the outcome of a message that the provider took.
func Accepted(ref, detail string) Outcome {
	return Outcome{Result: OK, Reason: codes.Accepted, Ref: ref, Detail: detail}
}

// Refused is the outcome of a message that will not be taken, however often it is tried.
func Refused(reason codes.Reason, detail string) Outcome {
	return Outcome{Result: Rejected, Reason: reason, Detail: detail}
}

// Later is the outcome of a message that was certainly not taken, and may be tried again.
func Later(reason codes.Reason, after time.Duration, detail string) Outcome {
	return Outcome{
		Result: Rejected, Reason: reason, Detail: detail,
		RetryAfter: min(max(after, retryAfterLeast), RetryAfterMost),
	}
}

// Lost is the outcome of a message of which nobody can tell whether it was taken.
func Lost(detail string) Outcome {
	return Outcome{Result: Unknown, Reason: codes.OutcomeUnknown, Detail: detail}
}

// Held is the outcome of a message that the last look stopped. A code of the
// registry inside the look's error is kept as the reason.
func Held(err error) Outcome {
	reason := codes.LastLookRefused
	if e, ok := errs.As(err); ok && codes.Known(e.Code) {
		reason = codes.Reason(e.Code)
	}
	return Outcome{Result: Withheld, Reason: reason, Detail: Detail(err.Error(), "")}
}

// Detail makes a provider's words fit to be kept: one line, bounded, and
// without the address the message went to, since providers like to repeat it.
func Detail(words, address string) string {
	words = strings.ToValidUTF8(words, "?")
	if address != "" {
		words = strings.ReplaceAll(words, address, hiddenAddress)
	}
	words = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, words)
	words = strings.Join(strings.Fields(words), " ")
	if len(words) <= DetailLimitBytes {
		return words
	}
	end := 0 // cut between characters
	for i := range words {
		if i > DetailLimitBytes {
			break
		}
		end = i
	}
	return words[:end] + "…"
}
