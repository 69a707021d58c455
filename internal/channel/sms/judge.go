package sms

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

const (
	retryBusy     = time.Minute
	retryLogin    = 5 * time.Minute
	refLimitBytes = 200
)

// judge says what an answer means for the message: what the first rule that fits says, else
// what HTTP says for it, else that nobody knows. A page, an empty body or half an answer fits
// no rule that asks for words.
func (c *Channel) judge(how *answer, a channel.HTTPAnswer, to string) channel.Outcome {
	var body any
	if !a.Cut {
		body, _ = readJSON(a.Body)
	}
	detail := strconv.Itoa(a.Status) + " " + http.StatusText(a.Status)
	if words := textAt(body, how.detail); words != "" {
		detail += ": " + words
	}
	detail = channel.Detail(withoutNumber(detail, to), to)
	ref := textAt(body, how.ref)
	if len(ref) > refLimitBytes {
		ref = ""
	}
	for i := range how.rules {
		r := &how.rules[i]
		if !r.fits(a.Status, body) {
			continue
		}
		switch r.Is {
		case "ok":
			if ref == "" && how.ref != "" {
				return channel.Lost(detail + " (without the provider's reference)")
			}
			return channel.Accepted(ref, detail)
		case "rejected":
			return channel.Refused(r.reason, detail)
		case "transient":
			return channel.Later(r.reason, c.retryAfterOf(a.Header, orElse(time.Duration(r.After), retryBusy)), detail)
		case "not-found":
			return channel.Refused(codes.LookUpNotFound, detail) // its own word
		}
		return channel.Lost(detail)
	}
	switch a.Status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return channel.Later(codes.LoginRefused, retryLogin, detail) // the fault is ours, not the message's
	case http.StatusTooManyRequests:
		return channel.Later(codes.ProviderBusy, c.retryAfterOf(a.Header, retryBusy), detail)
	case http.StatusServiceUnavailable:
		if after, said := channel.RetryAfter(a.Header, c.settings.Clock.Now(), retryBusy); said {
			return channel.Later(codes.ProviderBusy, after, detail)
		}
	}
	return channel.Lost(detail)
}

var digitRun = regexp.MustCompile(`[0-9]{7,}`)

// withoutNumber hides the number a message went to, with or without its country's code.
func withoutNumber(words, to string) string {
	return digitRun.ReplaceAllStringFunc(words, func(run string) string {
		if to != "" && (strings.HasSuffix(to, run) || strings.HasSuffix(run, strings.TrimPrefix(to, "+"))) {
			return "‹number›"
		}
		return run
	})
}

func (r *rule) fits(status int, body any) bool {
	if len(r.Status) > 0 && !slices.ContainsFunc(r.Status, func(want string) bool {
		have := strconv.Itoa(status)
		return want == have || want[1:] == "xx" && want[0] == have[0]
	}) {
		return false
	}
	if r.Path == "" {
		return true
	}
	text := textAt(body, r.Path)
	return text != "" && slices.Contains(r.Values, text)
}
