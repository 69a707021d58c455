package sms

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Kind is what a gateway document says it is.
const Kind = "SMSGateway"

// Bounds on a document.
const (
	DocumentBytesMax = 64 << 10
	fieldsMax        = 64
	rulesMax         = 64
	valuesMax        = 64
	depthMax         = 8
	segmentsMost     = 20
)

// Document describes one gateway.
type Document struct {
	Kind        string             `yaml:"kind"`
	Name        string             `yaml:"name"`
	Title       map[string]string  `yaml:"title"`
	Settings    map[string]Setting `yaml:"settings"`
	Numbers     Numbers            `yaml:"numbers"`
	Limits      Limits             `yaml:"limits"`
	Idempotency duration           `yaml:"idempotency"` // the provider repeats its answer for the same key this long
	Send        Exchange           `yaml:"send"`
	LookUp      *Exchange          `yaml:"lookup"`
	Receipts    *Hook              `yaml:"receipts"`
	Replies     *Hook              `yaml:"replies"`
}

// Setting is a value an operator fills in; texts name it in braces.
type Setting struct {
	About    map[string]string `yaml:"about"`
	Secret   bool              `yaml:"secret"`
	Optional bool              `yaml:"optional"`
	Default  string            `yaml:"default"`
}

// Numbers says which numbers the gateway serves.
type Numbers struct {
	CountryCodes []string `yaml:"country_codes"` // 86, 1 …; empty: every number
}

// Limits is what a message may be.
type Limits struct {
	Segments  int    `yaml:"segments"`
	Alphabet  string `yaml:"alphabet"`  // auto (GSM-7 where it will do) or ucs2
	Signature string `yaml:"signature"` // required: a text without 【…】 isn't sent
	Approval  string `yaml:"approval"`  // required: only templates the provider has approved are sent
}

// Exchange is a request and what its answers mean.
type Exchange struct {
	Method  string            `yaml:"method"`
	URL     string            `yaml:"url"`
	Query   map[string]string `yaml:"query"`
	Headers map[string]string `yaml:"headers"`
	Form    map[string]string `yaml:"form"`
	JSON    any               `yaml:"json"`
	Sign    Sign              `yaml:"sign"`
	Answer  Answer            `yaml:"answer"`
}

// Sign is how requests are signed, and how a webhook proves who sent it.
type Sign struct {
	Kind     string `yaml:"kind"` // none, bearer, basic, hmac
	Token    string `yaml:"token"`
	User     string `yaml:"user"`
	Password string `yaml:"password"`

	Hash     string `yaml:"hash"`     // sha1, sha256
	Encoding string `yaml:"encoding"` // base64, hex
	Key      string `yaml:"key"`
	Text     string `yaml:"text"`   // the canonical string
	Field    string `yaml:"field"`  // of the form or the query that takes the signature
	Header   string `yaml:"header"` // that takes the signature, or brings it
	Value    string `yaml:"value"`  // of that header; empty: the signature alone

	Timestamp Stamp `yaml:"timestamp"` // webhooks: how old a signature may be
}

// Stamp is where a webhook says when it was signed, in seconds since 1970.
type Stamp struct {
	Header    string   `yaml:"header"`
	Tolerance duration `yaml:"tolerance"`
}

// Answer says what answers mean: the first rule that fits.
type Answer struct {
	Ref    string `yaml:"ref"`    // where the provider's name for the message is
	Detail string `yaml:"detail"` // where its words are
	Rules  []Rule `yaml:"rules"`
}

// Rule is one kind of answer.
type Rule struct {
	Status []string `yaml:"status"` // 200, 2xx …; empty: any
	Path   string   `yaml:"path"`
	Values []string `yaml:"values"` // one of these stands at path
	Is     string   `yaml:"is"`     // ok, rejected, transient, unknown, not-found (look-up)
	Reason string   `yaml:"reason"`
	After  duration `yaml:"after"` // transient: wait this long if the answer doesn't say
}

// Hook is what a provider posts to us.
type Hook struct {
	Body     string              `yaml:"body"` // json, form
	List     string              `yaml:"list"` // where the list is; empty: the body itself, one or a list
	Verify   Sign                `yaml:"verify"`
	ID       string              `yaml:"id"`
	Key      string              `yaml:"key"`
	Ref      string              `yaml:"ref"`
	From     string              `yaml:"from"`
	To       string              `yaml:"to"`
	Text     string              `yaml:"text"`
	Status   string              `yaml:"status"`
	Statuses map[string][]string `yaml:"statuses"` // delivered, seen, undelivered, passing → the provider's words
	Code     string              `yaml:"code"`
	Reasons  map[string][]string `yaml:"reasons"` // our reasons → the provider's codes
	At       string              `yaml:"at"`
	AtFormat string              `yaml:"at_format"` // unix, milliseconds, rfc3339, or Go's layout
	AtOffset string              `yaml:"at_offset"` // +08:00, for layouts without a zone
	Answer   HookAnswer          `yaml:"answer"`
}

// HookAnswer is what the provider wants to hear once its post is kept.
type HookAnswer struct {
	ContentType string `yaml:"content_type"`
	Body        string `yaml:"body"`
}

// duration reads 30s, 24h.
type duration time.Duration

// UnmarshalYAML reads a duration.
func (d *duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil || v < 0 || v > 30*24*time.Hour {
		return fmt.Errorf("line %d: %q is no duration; write it as 30s or 24h", n.Line, n.Value)
	}
	*d = duration(v)
	return nil
}

var (
	nameForm    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	settingForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	codeForm    = regexp.MustCompile(`^[1-9][0-9]{0,3}$`)
	headerForm  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	layoutForm  = regexp.MustCompile(`2006.*15`)
)

// Parse reads a document and checks it. What is wrong is said with its place.
func Parse(text []byte) (*Document, error) {
	if len(text) > DocumentBytesMax {
		return nil, errs.New(errs.TooLarge, codes.DocumentTooLarge, "the document has %d bytes; at most %d are read", len(text), DocumentBytesMax)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var d Document
	if err := decoder.Decode(&d); err != nil {
		return nil, unreadable(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, invalid("", "there is more than one document in the file; give each gateway one of its own")
	}
	return &d, d.check()
}

// unreadable puts the YAML reader's words into ours.
func unreadable(err error) error {
	words := strings.TrimPrefix(err.Error(), "yaml: ")
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		words = strings.Join(wrong.Errors, "; ")
	}
	if errors.Is(err, io.EOF) {
		words = "it is empty"
	}
	words = strings.ReplaceAll(words, "not found in type sms.", "is no key of ")
	return errs.New(errs.Invalid, "document-syntax", "the gateway document can't be read: %s", words)
}

func invalid(path, format string, a ...any) *errs.Error {
	return errs.New(errs.Invalid, codes.GatewayInvalid, format, a...).At(path)
}
