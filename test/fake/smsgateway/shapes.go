package smsgateway

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // as the protocols prescribe
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// refusal is an answer to a request that is not even a message.
type refusal struct {
	status int
	body   map[string]any
}

func (n *refusal) write(w http.ResponseWriter) { answer(w, n.status, n.body) }

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}

// voice is how a shape answers.
type voice struct {
	accept func(w http.ResponseWriter, seen Seen)
	refuse func(w http.ResponseWriter, to string)
	busy   func(w http.ResponseWriter)
	inside func(w http.ResponseWriter) // an error inside a 200
}

var voices = map[Shape]voice{
	CNCloud: {
		accept: func(w http.ResponseWriter, seen Seen) {
			answer(w, 200, map[string]any{"Code": "OK", "Message": "OK", "BizId": seen.Ref, "RequestId": "r-1"})
		},
		refuse: func(w http.ResponseWriter, to string) {
			answer(w, 200, map[string]any{"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": to + " 号码不合法"})
		},
		busy: func(w http.ResponseWriter) {
			answer(w, 400, map[string]any{"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发流控"})
		},
		inside: func(w http.ResponseWriter) {
			answer(w, 200, map[string]any{"Code": "isp.SYSTEM_ERROR", "Message": "系统错误", "BizId": "b-0"})
		},
	},
	Twilio: {
		accept: func(w http.ResponseWriter, seen Seen) {
			answer(w, 201, map[string]any{"sid": seen.Ref, "status": "queued", "error_code": nil, "to": seen.To})
		},
		refuse: func(w http.ResponseWriter, to string) {
			answer(w, 400, map[string]any{"code": 21211, "message": "The 'To' number " + to + " is not valid", "status": 400})
		},
		busy: func(w http.ResponseWriter) {
			retryAfter(w, 2)
			answer(w, 429, map[string]any{"code": 20429, "message": "Too Many Requests", "status": 429})
		},
		inside: func(w http.ResponseWriter) {
			answer(w, 200, map[string]any{"code": 30500, "message": "internal", "status": 500})
		},
	},
	Plain: {
		accept: func(w http.ResponseWriter, seen Seen) {
			answer(w, 202, map[string]any{"state": "accepted", "reference": seen.Ref})
		},
		refuse: func(w http.ResponseWriter, to string) {
			answer(w, 422, map[string]any{"state": "rejected", "error": "invalid-number", "detail": "no such number " + to})
		},
		busy: func(w http.ResponseWriter) {
			retryAfter(w, 3)
			answer(w, 429, map[string]any{"state": "busy"})
		},
		inside: func(w http.ResponseWriter) { answer(w, 200, map[string]any{"error": "database"}) },
	},
}

// readCNCloud checks the signature over the sorted, percent-encoded form.
func (g *Gateway) readCNCloud(r *http.Request, body []byte) (Seen, *refusal) {
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost {
		return Seen{}, &refusal{400, map[string]any{"Code": "MissingParameter"}}
	}
	given := form.Get("Signature")
	form.Del("Signature")
	canonical := strings.ReplaceAll(form.Encode(), "+", "%20") // Encode sorts, and writes * and ~ otherwise than RFC 3986
	canonical = strings.ReplaceAll(strings.ReplaceAll(canonical, "*", "%2A"), "%7E", "~")
	escaped := strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(canonical), "+", "%20"), "*", "%2A")
	if want := mac(g.options.Secret+"&", "POST&%2F&"+escaped); form.Get("AccessKeyId") != g.options.User || !hmac.Equal([]byte(given), []byte(want)) {
		return Seen{}, &refusal{400, map[string]any{"Code": "SignatureDoesNotMatch", "Message": "Specified signature is not matched"}}
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", form.Get("Timestamp"))
	if err != nil || at.IsZero() || !g.fresh(form.Get("SignatureNonce")) {
		return Seen{}, &refusal{400, map[string]any{"Code": "SignatureNonceUsed"}}
	}
	if form.Get("TemplateCode") == "" || form.Get("SignName") == "" || !json.Valid([]byte(orElse(form.Get("TemplateParam"), "{}"))) {
		return Seen{}, &refusal{200, map[string]any{"Code": "isv.SMS_TEMPLATE_ILLEGAL", "Message": "模板不合法"}}
	}
	return Seen{Key: form.Get("OutId"), To: form.Get("PhoneNumbers"), Text: form.Get("TemplateParam"), Fields: flat(form)}, nil
}

// readTwilio checks the account's login.
func (g *Gateway) readTwilio(r *http.Request, body []byte) (Seen, *refusal) {
	user, pass, _ := r.BasicAuth()
	form, err := url.ParseQuery(string(body))
	if user != g.options.User || pass != g.options.Secret {
		return Seen{}, &refusal{401, map[string]any{"code": 20003, "message": "Authenticate", "status": 401}}
	}
	if err != nil || r.URL.Path != "/2010-04-01/Accounts/"+user+"/Messages.json" || form.Get("To") == "" || form.Get("Body") == "" ||
		form.Get("From") == "" && form.Get("MessagingServiceSid") == "" {
		return Seen{}, &refusal{400, map[string]any{"code": 21604, "message": "A parameter is missing", "status": 400}}
	}
	return Seen{To: form.Get("To"), Text: form.Get("Body"), Fields: flat(form)}, nil
}

// readPlain checks the token.
func (g *Gateway) readPlain(r *http.Request, body []byte) (Seen, *refusal) {
	fields := map[string]string{}
	if r.Header.Get("Authorization") != "Bearer "+g.options.Secret {
		return Seen{}, &refusal{401, map[string]any{"error": "token"}}
	}
	if json.Unmarshal(body, &fields) != nil || r.URL.Path != "/messages" || fields["to"] == "" || fields["text"] == "" || r.Header.Get("Idempotency-Key") != fields["id"] {
		return Seen{}, &refusal{400, map[string]any{"error": "malformed"}}
	}
	return Seen{Key: fields["id"], To: fields["to"], Text: fields["text"], Fields: fields}, nil
}

func flat(form url.Values) map[string]string {
	out := map[string]string{}
	for name := range form {
		out[name] = form.Get(name)
	}
	return out
}

func mac(key, text string) string {
	m := hmac.New(sha1.New, []byte(key))
	_, _ = m.Write([]byte(text)) // a hash never fails
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// TwilioSignature signs a post as Twilio does.
func TwilioSignature(token, address string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	text := address
	for _, name := range names {
		text += name + form.Get(name)
	}
	return mac(token, text)
}
