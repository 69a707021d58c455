package sms

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the hash gateways prescribe; as a MAC it is sound
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/huiyin/huiyin/internal/channel"
)

const (
	userAgent  = "Huiyin"
	nonceBytes = 16
	timeISO    = "2006-01-02T15:04:05Z"
)

// nonces gives values that no request had before.
type nonces struct {
	mu     sync.Mutex
	random io.Reader
}

func (n *nonces) next() (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var b [nonceBytes]byte
	if _, err := io.ReadFull(n.random, b[:]); err != nil {
		return "", fmt.Errorf("a nonce could not be made: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// vars is what the names in a request stand for. One that can't be had is kept as trouble.
type vars struct {
	values  func(name string) string
	nonces  *nonces
	nonce   string
	trouble error
}

func (v *vars) value(name string) string {
	if name != "nonce" {
		return v.values(name)
	}
	if v.nonce == "" && v.trouble == nil {
		v.nonce, v.trouble = v.nonces.next()
	}
	return v.nonce
}

func (c *Channel) timeValue(name string) string {
	now := c.settings.Clock.Now()
	switch name {
	case "time.iso":
		return now.UTC().Format(timeISO)
	case "time.unix":
		return strconv.FormatInt(now.Unix(), 10)
	case "time.millis":
		return strconv.FormatInt(now.UnixMilli(), 10)
	}
	return ""
}

func (c *Channel) vars(m *channel.Message) *vars {
	signature, body := splitSignature(m.Text)
	a := c.approvals[approvalKey{m.Template, m.Language}]
	digits := strings.TrimPrefix(m.To, "+")
	times := map[string]string{}
	return &vars{nonces: &c.nonces, values: func(name string) string {
		switch name {
		case "key":
			return m.Key
		case "attempt":
			return strconv.FormatInt(m.Attempt, 10)
		case "to":
			return m.To
		case "to.digits":
			return digits
		case "to.national":
			if codes := c.doc.Numbers.CountryCodes; len(codes) == 1 { // checked with the document
				return strings.TrimPrefix(digits, codes[0])
			}
			return digits
		case "text":
			return m.Text
		case "text.body":
			return body
		case "signature":
			return signature
		case "link":
			return m.Link
		case "language":
			return m.Language
		case "purpose":
			return m.Purpose
		case "template":
			return m.Template
		case "template.code":
			if a != nil {
				return a.Code
			}
			return ""
		case "template.params":
			text, _ := a.parameters(body) // screened before
			return text
		case "receipts_url":
			return c.settings.ReceiptsURL
		case "replies_url":
			return c.settings.RepliesURL
		}
		return c.once(times, name)
	}}
}

// once gives a time the same in all places of a request.
func (c *Channel) once(times map[string]string, name string) string {
	if _, there := times[name]; !there {
		times[name] = c.timeValue(name)
	}
	return times[name]
}

func (c *Channel) lookUpVars(key, ref string) *vars {
	times := map[string]string{}
	return &vars{nonces: &c.nonces, values: func(name string) string {
		switch name {
		case "key":
			return key
		case "ref":
			return ref
		}
		return c.once(times, name)
	}}
}

// pair is a filled-in field.
type pair struct{ name, value string }

// fillFields fills fields in; what is empty is left out.
func fillFields(fields []field, v *vars) []pair {
	out := make([]pair, 0, len(fields)+1)
	for _, f := range fields {
		if text := f.value.fill(v.value, nil); text != "" {
			out = append(out, pair{f.name, text})
		}
	}
	return out
}

// encode writes fields as a form or query does, in the order given.
func encode(pairs []pair) string {
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(percent(p.name))
		b.WriteByte('=')
		b.WriteString(percent(p.value))
	}
	return b.String()
}

func fillJSON(v any, from *vars) any {
	switch in := v.(type) {
	case phrase:
		return in.fill(from.value, nil)
	case map[string]any:
		out := make(map[string]any, len(in))
		for name, one := range in {
			filled := fillJSON(one, from)
			if filled != "" {
				out[name] = filled
			}
		}
		return out
	case []any:
		out := make([]any, len(in))
		for i := range in {
			out[i] = fillJSON(in[i], from)
		}
		return out
	}
	return v
}

// request writes the request of a message, signed. host is empty for that of the url.
func (e *exchange) request(v *vars, host string) (*http.Request, []byte, error) {
	query, form := fillFields(e.query, v), fillFields(e.form, v)
	body, contentType, err := e.body(form, v)
	if err != nil {
		return nil, nil, err
	}
	address := e.url.fill(v.value, percent)
	request, err := http.NewRequest(e.method, address, nil)
	if err != nil {
		return nil, nil, errors.New("the address of the gateway can't be made for this message")
	}
	if host == "" {
		host = request.URL.Host
	}
	parameters := query
	if e.isForm {
		parameters = form
	}
	signed, err := e.sign.sign(v, map[string]string{
		"method": e.method, "host": host, "path": request.URL.EscapedPath(), "parameters": encode(parameters), "body": string(body),
	})
	if err != nil {
		return nil, nil, err
	}
	if e.sign.field != "" {
		if e.isForm {
			form = append(form, pair{e.sign.field, signed})
			body = []byte(encode(form))
		} else {
			query = append(query, pair{e.sign.field, signed})
		}
	}
	if len(query) > 0 {
		request.URL.RawQuery = strings.TrimPrefix(request.URL.RawQuery+"&"+encode(query), "&")
	}
	if len(body) > 0 {
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		request.Header.Set("Content-Type", contentType)
	}
	if err := e.head(request, v, signed); err != nil {
		return nil, nil, err
	}
	if v.trouble != nil {
		return nil, nil, v.trouble
	}
	if e.method == http.MethodGet { // a question: who asks it writes it
		return request, nil, nil
	}
	wire, err := channel.RenderHTTP(request)
	return request, wire, err
}

func (e *exchange) body(form []pair, v *vars) (body []byte, contentType string, err error) {
	switch {
	case e.isForm:
		return []byte(encode(form)), "application/x-www-form-urlencoded", nil
	case e.json != nil:
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false) // links stay readable
		if err := encoder.Encode(fillJSON(e.json, v)); err != nil {
			return nil, "", fmt.Errorf("encode the message: %w", err)
		}
		return bytes.TrimSuffix(b.Bytes(), []byte("\n")), "application/json; charset=utf-8", nil
	}
	return nil, "", nil
}

// head sets the headers.
func (e *exchange) head(request *http.Request, v *vars, signed string) error {
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept", "application/json")
	set := func(name, value string) error {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
			return fmt.Errorf("the header %s would hold characters that can't stand in one", name)
		}
		if value != "" {
			request.Header.Set(name, value)
		}
		return nil
	}
	for _, f := range e.headers {
		if err := set(f.name, f.value.fill(v.value, nil)); err != nil {
			return err
		}
	}
	switch {
	case e.sign.kind == "bearer":
		return set("Authorization", "Bearer "+e.sign.token.fill(v.value, nil))
	case e.sign.kind == "basic":
		request.SetBasicAuth(e.sign.user.fill(v.value, nil), e.sign.pass.fill(v.value, nil))
	case e.sign.header != "":
		value := signed
		if len(e.sign.value.parts) > 0 {
			value = e.sign.value.fill(func(name string) string {
				if name == "signed" {
					return signed
				}
				return v.value(name)
			}, nil)
		}
		return set(e.sign.header, value)
	}
	return nil
}

// sign makes the signature over the document's canonical text.
func (s *signer) sign(v *vars, request map[string]string) (string, error) {
	if s.kind != "hmac" {
		return "", nil
	}
	known := func(name string) string {
		if text, ok := request[name]; ok {
			return text
		}
		return v.value(name)
	}
	return s.mac(s.key.fill(v.value, nil), s.text.fill(known, nil)), v.trouble
}

func (s *signer) mac(key, text string) string {
	make := func() hash.Hash { return sha256.New() }
	if s.sha1 {
		make = sha1.New
	}
	mac := hmac.New(make, []byte(key))
	_, _ = mac.Write([]byte(text)) // a hash never fails
	if s.hex {
		return hex.EncodeToString(mac.Sum(nil))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
