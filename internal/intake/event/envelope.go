package event

import (
	"fmt"
	"mime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// The longest attributes, in characters.
const (
	idCharsMax      = 256
	sourceCharsMax  = 256
	subjectCharsMax = 128
)

// The attributes of CloudEvents that mean something here; extensions are passed over.
const (
	attrSpecVersion = iota
	attrID
	attrSource
	attrType
	attrSubject
	attrTime
	attrContentType
	attrData
	attrDataBase64
)

var attributes = map[string]int{
	"specversion": attrSpecVersion, "id": attrID, "source": attrSource, "type": attrType, "subject": attrSubject,
	"time": attrTime, "datacontenttype": attrContentType, "data": attrData, "data_base64": attrDataBase64,
}

// reader reads events one after another. Sources and types repeat within a batch, so the
// last of each is kept instead of being copied again.
type reader struct {
	limit        Limits
	checkText    bool // the body holds bytes that aren't UTF-8: find whose they are
	source, kind string
}

// event reads one element of a body whose JSON is known to be sound.
func (r *reader) event(raw []byte, e *Event) *errs.Error {
	if r.checkText && !utf8.Valid(raw) {
		return errs.New(errs.Invalid, codes.EncodingUnknown, "the event is not UTF-8 text: convert it (from GBK, perhaps) before sending")
	}
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(raw)
	it, err := d.ObjIter()
	if err != nil {
		return errs.New(errs.Invalid, codes.MalformedJSON, "the event is not a JSON object: write it as {\"specversion\":\"1.0\", …}")
	}
	var met seen
	var specVersion string
	for it.Next() {
		attr, known := attributes[string(it.Key())]
		if !known {
			if err := d.Skip(); err != nil {
				return malformed(err)
			}
			continue
		}
		if met.mark(attr) {
			return attribute(string(it.Key()), "is given twice: keep one")
		}
		switch attr {
		case attrData:
			if e.Data, err = d.Raw(); err != nil {
				return malformed(err)
			}
			continue
		case attrDataBase64:
			return attribute("data_base64", "is not taken: put the data into data, as a JSON object")
		}
		if d.Next() != jx.String {
			return attribute(string(it.Key()), "must be a string")
		}
		text, err := d.StrBytes()
		if err != nil {
			return malformed(err)
		}
		if bad := r.attribute(attr, text, e, &specVersion); bad != nil {
			return bad
		}
	}
	if it.Err() != nil {
		return malformed(it.Err())
	}
	if specVersion == "" {
		return missingAttribute("specversion", "add \"specversion\": \"1.0\"")
	}
	return r.complete(e)
}

// attribute takes one attribute's text into the event.
func (r *reader) attribute(attr int, text []byte, e *Event, specVersion *string) (bad *errs.Error) {
	switch attr {
	case attrSpecVersion:
		if string(text) != "1.0" {
			return errs.New(errs.Invalid, codes.SpecVersionUnknown, "specversion is %q and must be \"1.0\"", shown(text)).At("specversion")
		}
		*specVersion = "1.0"
	case attrID:
		e.ID, bad = word("id", text, idCharsMax, "")
	case attrSource:
		e.Source, bad = word("source", text, sourceCharsMax, r.source)
		r.source = e.Source
	case attrType:
		e.Type, bad = word("type", text, typeNameCharsMax, r.kind)
		r.kind = e.Type
	case attrSubject:
		e.Subject, bad = word("subject", text, subjectCharsMax, "")
	case attrTime:
		at, err := time.Parse(time.RFC3339, string(text))
		if err != nil {
			return attribute("time", fmt.Sprintf("is %q and must be a time such as 2026-11-22T09:30:00+08:00", shown(text)))
		}
		e.At = at.UTC().Truncate(time.Millisecond)
	case attrContentType:
		media, _, err := mime.ParseMediaType(string(text))
		if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
			return attribute("datacontenttype", fmt.Sprintf("is %q and must be application/json", shown(text)))
		}
	}
	return bad
}

// word checks and keeps a name; same is reused when the text equals it.
func word(name string, text []byte, most int, same string) (string, *errs.Error) {
	if len(text) == 0 {
		return "", attribute(name, "is empty: give it a value")
	}
	if string(text) == same {
		return same, nil
	}
	if n := utf8.RuneCount(text); n > most {
		return "", attribute(name, fmt.Sprintf("has %d characters; at most %d are allowed", n, most))
	}
	s := string(text)
	if strings.TrimSpace(s) != s {
		return "", attribute(name, "begins or ends with a space: remove it")
	}
	for _, c := range s {
		if unicode.IsControl(c) || c == utf8.RuneError {
			return "", attribute(name, "holds a control or broken character: remove it")
		}
	}
	return s, nil
}

// complete judges what only the whole event shows.
func (r *reader) complete(e *Event) *errs.Error {
	switch {
	case e.ID == "":
		return missingAttribute("id", "give each event an id that its source never uses again")
	case e.Source == "":
		return missingAttribute("source", "name who sends the event, such as /wallet/payments")
	case e.Type == "":
		return missingAttribute("type", "name the kind of event, such as wallet.payment.failed")
	case e.Subject == "":
		return missingAttribute("subject", "it is the wallet's id of the customer")
	case e.At.IsZero():
		return missingAttribute("time", "say when it happened; a repeated event is known by it")
	case len(e.Data) > r.limit.DataBytes:
		return errs.New(errs.TooLarge, codes.EventTooLarge,
			"data has %d bytes; at most %d are allowed: send only what programs need", len(e.Data), r.limit.DataBytes).At("data")
	case len(e.Data) == 0:
		e.Data = []byte("{}")
	case e.Data[0] != '{':
		return errs.New(errs.Invalid, codes.EventDataInvalid, "data must be a JSON object: {…}").At("data")
	}
	if e.At.Before(r.limit.Now.Add(-r.limit.Past)) || e.At.After(r.limit.Now.Add(r.limit.Ahead)) {
		return errs.New(errs.Invalid, codes.EventTimeOutOfRange,
			"the time %s is outside what is taken now, %s to %s: check the source's clock and zone",
			e.At.Format(time.RFC3339), r.limit.Now.Add(-r.limit.Past).UTC().Format(time.RFC3339),
			r.limit.Now.Add(r.limit.Ahead).UTC().Format(time.RFC3339)).At("time")
	}
	e.Received = r.limit.Now.UTC().Truncate(time.Millisecond)
	return nil
}

func attribute(name, text string) *errs.Error {
	return errs.New(errs.Invalid, codes.FieldInvalid, "%s %s", name, text).At(name)
}

func missingAttribute(name, text string) *errs.Error {
	code := codes.FieldMissing
	if name == "subject" {
		code = codes.SubjectMissing
	}
	return errs.New(errs.Invalid, code, "%s is missing: %s", name, text).At(name)
}

func malformed(err error) *errs.Error {
	return errs.New(errs.Invalid, codes.MalformedJSON, "the event can't be read: check how it is written").Because(err)
}
