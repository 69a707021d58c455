package webhook

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

const (
	retryBusy     = time.Minute
	retryLogin    = 5 * time.Minute
	retryMoved    = 5 * time.Minute
	refLimitBytes = 200

	statusRejected = "rejected"
	statusUnknown  = "unknown"
)

// words are what a gateway may say in an answer's body.
type words struct {
	Ref    string `json:"ref"`
	Status string `json:"status"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// words reads an answer's body: nothing at all, or a JSON object.
func wordsOf(a channel.HTTPAnswer) (w words, clear bool) {
	b := bytes.TrimSpace(a.Body)
	if len(b) == 0 {
		return w, !a.Cut
	}
	if b[0] != '{' || json.Unmarshal(b, &w) != nil || len(w.Ref) > refLimitBytes {
		return words{}, false
	}
	return w, true
}

// judge says what an answer means for the message. Only where the gateway says
// that it did not take the message, or HTTP says so for it, is it called rejected.
func (c *Channel) judge(a channel.HTTPAnswer, to string) channel.Outcome {
	w, clear := wordsOf(a)
	detail := strconv.Itoa(a.Status) + " " + http.StatusText(a.Status)
	if w.Detail != "" {
		detail += ": " + w.Detail
	}
	detail = channel.Detail(detail, to)
	switch a.Status {
	case http.StatusRequestTimeout, http.StatusConflict:
		return channel.Lost(detail) // it gave up on us, or has the key under way
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return channel.Later(codes.LoginRefused, retryLogin, detail) // the fault is ours, not the message's
	case http.StatusTooEarly:
		return channel.Later(codes.ProviderBusy, retryBusy, detail)
	case http.StatusTooManyRequests:
		after, _ := channel.RetryAfter(a.Header, c.clock.Now(), retryBusy)
		return channel.Later(codes.ProviderBusy, after, detail)
	case http.StatusServiceUnavailable:
		if after, said := channel.RetryAfter(a.Header, c.clock.Now(), retryBusy); said {
			return channel.Later(codes.ProviderBusy, after, detail)
		}
		return channel.Lost(detail)
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return channel.Later(codes.ProviderUnreachable, retryMoved, detail+": set the URL to where the gateway is now")
	}
	switch {
	case a.Status/100 == 4, a.Status/100 == 2 && clear && w.Status == statusRejected:
		return channel.Refused(reason(w.Reason, codes.ProviderRejected), detail)
	case a.Status/100 == 2 && clear && w.Status != statusUnknown:
		return channel.Accepted(w.Ref, detail)
	default: // 5xx, 303, or a page that is not an answer
		return channel.Lost(detail)
	}
}

// judgeLookUp reads an answer to a question about a key.
func judgeLookUp(a channel.HTTPAnswer) channel.Outcome {
	w, clear := wordsOf(a)
	detail := channel.Detail(strconv.Itoa(a.Status)+" "+w.Detail, "")
	if a.Status == http.StatusNotFound && clear && w.Status == statusUnknown {
		return channel.Refused(codes.LookUpNotFound, detail) // its own word; any other 404 may be somebody's on the way
	}
	if a.Status != http.StatusOK || !clear {
		return channel.Lost(detail)
	}
	switch w.Status {
	case "accepted", string(channel.Delivered), string(channel.Seen), string(channel.Undelivered):
		return channel.Accepted(w.Ref, detail)
	case statusRejected:
		return channel.Refused(reason(w.Reason, codes.ProviderRejected), detail)
	default:
		return channel.Lost(detail)
	}
}

// reason keeps a gateway's reason if it is one of ours about how an attempt came out.
func reason(said string, otherwise codes.Reason) codes.Reason {
	switch r := codes.Reason(said); r {
	case codes.MailboxUnknown, codes.MailboxFull, codes.AddressInvalid, codes.ContentRejected,
		codes.SenderRejected, codes.MessageTooLarge, codes.ProviderRejected, codes.Undelivered:
		return r
	}
	return otherwise
}
