package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	receiptsLimitBytes = 2 << 20
	receiptsMost       = 10_000
	receiptTolerance   = 5 * time.Minute
	signaturesMost     = 16
	nameLimitBytes     = 200 // of a key or ref

	headerID        = "webhook-id"
	headerStamp     = "webhook-timestamp"
	headerSignature = "webhook-signature"
	signatureKind   = "v1"
)

// receipt is one entry of a receipt's body.
type receipt struct {
	Key    string    `json:"key"`
	Ref    string    `json:"ref"`
	Status string    `json:"status"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// ReadReceipts verifies the signature (Standard Webhooks) and reads the list.
func (c *Channel) ReadReceipts(h http.Header, body []byte) ([]channel.Receipt, error) {
	if len(body) > receiptsLimitBytes {
		return nil, errs.New(errs.TooLarge, codes.BodyTooLarge, "the receipts take %d bytes: send at most %d at a time", len(body), receiptsLimitBytes)
	}
	if err := c.checkSignature(h, body); err != nil {
		return nil, err
	}
	var list []receipt
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, errs.New(errs.Invalid, codes.MalformedJSON, `the body is not a list of receipts: write it as [{"key":"…","status":"delivered","at":"2026-11-22T08:00:00Z"}]`).Because(err)
	}
	if len(list) > receiptsMost {
		return nil, errs.New(errs.TooLarge, codes.BatchTooLarge, "%d receipts at once: send at most %d", len(list), receiptsMost)
	}
	receipts := make([]channel.Receipt, len(list))
	for i, r := range list {
		read, err := r.read()
		if err != nil {
			return nil, err.At(fmt.Sprintf("[%d]", i))
		}
		receipts[i] = read
	}
	return receipts, nil
}

func (r receipt) read() (channel.Receipt, *errs.Error) {
	if r.Key == "" && r.Ref == "" {
		return channel.Receipt{}, errs.New(errs.Invalid, codes.FieldMissing, "the receipt names no message: give its key, its ref or both")
	}
	if len(r.Key) > nameLimitBytes || len(r.Ref) > nameLimitBytes {
		return channel.Receipt{}, errs.New(errs.Invalid, codes.FieldInvalid, "the key or ref is longer than %d bytes: give it as it was exchanged when the message was sent", nameLimitBytes)
	}
	status := channel.Status(r.Status)
	why := codes.Reason(status)
	switch status {
	case channel.Delivered, channel.Seen:
	case channel.Undelivered:
		why = reason(r.Reason, codes.Undelivered)
	default:
		return channel.Receipt{}, errs.New(errs.Invalid, codes.FieldInvalid, "there is no status %q: use delivered, seen or undelivered", r.Status).At("status")
	}
	return channel.Receipt{Key: r.Key, Ref: r.Ref, Status: status, Reason: why, At: r.At}, nil
}

func (c *Channel) checkSignature(h http.Header, body []byte) error {
	if len(c.verify) == 0 {
		return errs.New(errs.Unauthorized, codes.SignatureInvalid, "no secret for receipts is set for this channel: set one, here and at the gateway")
	}
	id, stamp := h.Get(headerID), h.Get(headerStamp)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || err != nil {
		return errs.New(errs.Unauthorized, codes.SignatureInvalid, "the headers %s and %s are missing or unreadable: sign as Standard Webhooks says", headerID, headerStamp)
	}
	// Compared in seconds, since a far-off stamp would overflow a duration.
	if now := c.clock.Now().Unix(); seconds < now-int64(receiptTolerance/time.Second) || seconds > now+int64(receiptTolerance/time.Second) {
		return errs.New(errs.Unauthorized, codes.SignatureInvalid, "the receipts were signed more than %v from now: set the clocks right and sign each sending anew", receiptTolerance)
	}
	given := strings.Fields(h.Get(headerSignature))
	if len(given) > signaturesMost {
		given = given[:signaturesMost]
	}
	for _, key := range c.verify {
		want := signature(key, id, stamp, body)
		for _, one := range given {
			kind, text, _ := strings.Cut(one, ",")
			got, err := base64.StdEncoding.DecodeString(text)
			if err == nil && kind == signatureKind && hmac.Equal(got, want) {
				return nil
			}
		}
	}
	return errs.New(errs.Unauthorized, codes.SignatureInvalid, "no signature fits: check that the gateway signs with the secret set for this channel")
}

// signature is the MAC of Standard Webhooks.
func signature(key []byte, id, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(id + "." + stamp + ".")) // a hash never fails
	_, _ = mac.Write(body)
	return mac.Sum(nil)
}

// stamp signs a request of ours.
func stamp(h http.Header, key []byte, id string, at time.Time, body []byte) {
	seconds := strconv.FormatInt(at.Unix(), 10)
	h.Set(headerID, id)
	h.Set(headerStamp, seconds)
	h.Set(headerSignature, signatureKind+","+base64.StdEncoding.EncodeToString(signature(key, id, seconds, body)))
}
