package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// The default bounds of a request.
const (
	BodyBytesMax   = 16 << 20
	DataBytesMax   = 64 << 10
	BatchEventsMax = 10_000
	PastMax        = 400 * 24 * time.Hour // as far back as the customers' facts reach
	AheadMax       = 24 * time.Hour       // room for a source whose clock or zone is wrong
)

// The content types of CloudEvents in JSON.
const (
	ContentSingle = "application/cloudevents+json"
	ContentBatch  = "application/cloudevents-batch+json"
)

// Limits bound a request. The zero value of a field stands for its default.
type Limits struct {
	Now       time.Time     // the engine's clock: times are judged against it, and it becomes Received
	BodyBytes int           // BodyBytesMax
	DataBytes int           // DataBytesMax: the data of one event
	Events    int           // BatchEventsMax
	Past      time.Duration // PastMax: events older than this are refused
	Ahead     time.Duration // AheadMax: events further in the future are refused
}

func (l Limits) orDefault() Limits {
	l.BodyBytes = orDefault(l.BodyBytes, BodyBytesMax)
	l.DataBytes = orDefault(l.DataBytes, DataBytesMax)
	l.Events = orDefault(l.Events, BatchEventsMax)
	l.Past = orDefault(l.Past, PastMax)
	l.Ahead = orDefault(l.Ahead, AheadMax)
	return l
}

func orDefault[T int | time.Duration](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

// Item is one event of a request, or why it isn't one.
type Item struct {
	Index int // its place in the batch, from 0
	Event Event
	Err   *errs.Error
}

// Decode reads a request body in the JSON form of CloudEvents 1.0, one event or a batch as
// the content type says. A bad event becomes an Item with an Err and never costs the others;
// a body that isn't JSON, or beyond its bounds, is refused as a whole.
//
// The events' Data point into body: the caller leaves it alone until they are logged.
func Decode(body []byte, contentType string, limit Limits) ([]Item, error) {
	limit = limit.orDefault()
	batch, err := isBatch(contentType)
	if err != nil {
		return nil, err
	}
	if len(body) > limit.BodyBytes {
		return nil, errs.New(errs.TooLarge, codes.BodyTooLarge,
			"the body has %d bytes; at most %d are allowed: send smaller batches", len(body), limit.BodyBytes)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	raws, err := split(body, batch, limit.Events)
	if err != nil {
		return nil, err
	}
	r := reader{limit: limit, checkText: !utf8.Valid(body)}
	items := make([]Item, len(raws))
	for i, raw := range raws {
		items[i].Index = i
		items[i].Err = r.event(raw, &items[i].Event)
	}
	return items, nil
}

// DecodeOne reads one event that stands alone, such as a line of a file.
func DecodeOne(raw []byte, limit Limits) Item {
	items, err := Decode(raw, ContentSingle, limit)
	if e, ok := errs.As(err); ok {
		return Item{Err: e}
	}
	return items[0]
}

func isBatch(contentType string) (bool, error) {
	media, params, err := mime.ParseMediaType(contentType)
	charset := strings.ToLower(params["charset"])
	if err == nil && (charset == "" || charset == "utf-8") {
		switch media {
		case ContentSingle:
			return false, nil
		case ContentBatch:
			return true, nil
		}
	}
	return false, errs.New(errs.Invalid, codes.ContentTypeUnknown,
		"the content type is %q: use %s for one event and %s for a list, in UTF-8", shown([]byte(contentType)), ContentSingle, ContentBatch)
}

// split cuts the body into its events. Where JSON is broken nobody can say where the next
// event begins, so it refuses the body as a whole: half a batch taken would be a guess.
func split(body []byte, batch bool, most int) ([][]byte, error) {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(body)
	want, other := jx.Object, "one event: {…}; a list is sent as "+ContentBatch
	if batch {
		want, other = jx.Array, "a list of events: […]; one event is sent as "+ContentSingle
	}
	if got := d.Next(); got == jx.Invalid {
		return nil, broken(body, errors.New("no value found"))
	} else if got != want {
		return nil, errs.New(errs.Invalid, codes.MalformedJSON, "the body must be %s", other)
	}
	if !batch {
		raw, err := d.Raw()
		if err != nil {
			return nil, broken(body, err)
		}
		return [][]byte{raw}, atEnd(d, body)
	}
	it, err := d.ArrIter()
	if err != nil {
		return nil, broken(body, err)
	}
	raws := make([][]byte, 0, min(most, len(body)/200+1))
	for it.Next() {
		if len(raws) == most {
			return nil, errs.New(errs.TooLarge, codes.BatchTooLarge, "the batch has more than %d events: send smaller batches", most)
		}
		raw, err := d.Raw()
		if err != nil {
			return nil, broken(body, err)
		}
		raws = append(raws, raw)
	}
	if it.Err() != nil {
		return nil, broken(body, it.Err())
	}
	return raws, atEnd(d, body)
}

// atEnd wants nothing but space behind the value.
func atEnd(d *jx.Decoder, body []byte) error {
	if err := d.Skip(); !errors.Is(err, io.EOF) {
		return broken(body, errors.New("something follows the value"))
	}
	return nil
}

// broken says where the JSON breaks. The position comes from a second reading by the standard
// library, which counts bytes; it is made only when there is something to complain about.
func broken(body []byte, cause error) *errs.Error {
	e := errs.New(errs.Invalid, codes.MalformedJSON, "the body is not valid JSON; nothing of it was accepted: mend it and send it again")
	var syntax *json.SyntaxError
	var any json.RawMessage
	if err := json.Unmarshal(body, &any); errors.As(err, &syntax) {
		e = e.At(fmt.Sprintf("byte %d", syntax.Offset))
	}
	return e.Because(cause)
}
