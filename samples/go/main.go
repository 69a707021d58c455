// Command go shows how a wallet speaks with Huiyin, in Go with its standard library alone.
//
// The first half belongs into the wallet's backend, which holds the secrets; the second into
// the app, which holds a customer's token for a few minutes. HUIYIN_URL, HUIYIN_API_KEY,
// HUIYIN_SIGNING_SECRET and CUSTOMER say with whom and for whom.
package main

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	tokenValid      = 10 * time.Minute
	webhookAgeMost  = 5 * time.Minute
	requestTimeout  = 40 * time.Second // longer than the server lets one wait
	waitRounds      = 5
	answerBytesMost = 1 << 20
)

var (
	base   = cmp.Or(os.Getenv("HUIYIN_URL"), "http://localhost:8080")
	client = &http.Client{Timeout: requestTimeout}
)

// --- the wallet's backend ---

// customerToken signs a token for one customer. All of the secret's text is the key; the
// number in it is the kid.
func customerToken(secret, customer string) (string, error) {
	parts := strings.SplitN(secret, "_", 3)
	if len(parts) != 3 || parts[0] != "hys" {
		return "", errors.New("HUIYIN_SIGNING_SECRET is no signing secret; make one with `huiyin key create NAME --scope customers-sign`")
	}
	head, err := json.Marshal(map[string]string{"alg": "HS256", "typ": "JWT", "kid": parts[1]})
	if err != nil {
		return "", err
	}
	now := time.Now()
	body, err := json.Marshal(map[string]any{
		"aud": "huiyin-inapp", "sub": customer, "iat": now.Unix(), "exp": now.Add(tokenValid).Unix(), "jti": rand.Text(),
	})
	if err != nil {
		return "", err
	}
	content := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	return content + "." + base64.RawURLEncoding.EncodeToString(mac([]byte(secret), content)), nil
}

func mac(key []byte, content string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(content))
	return h.Sum(nil)
}

// postEvent says that something happened (CloudEvents 1.0). Sent again under the same id it counts once.
func postEvent(apiKey string, event map[string]any) error {
	_, _, err := call(http.MethodPost, "/v1/events", apiKey, "application/cloudevents+json", event, "")
	return err
}

// verifyWebhook verifies a webhook from Huiyin (Standard Webhooks): over the body's very
// bytes, in constant time, and not an old one.
func verifyWebhook(secret, id, timestamp, signatures string, body []byte) bool {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > webhookAgeMost {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return false
	}
	want := mac(key, id+"."+timestamp+"."+string(body))
	for _, one := range strings.Fields(signatures) {
		text, ours := strings.CutPrefix(one, "v1,")
		given, err := base64.StdEncoding.DecodeString(text)
		if ours && err == nil && hmac.Equal(given, want) {
			return true
		}
	}
	return false
}

// --- the app ---

type form struct {
	Next     string `json:"next"`
	Complete bool   `json:"complete"`
}

type card struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text"`
	Form  *form  `json:"form"`
}

// inbox is what an app has of one customer.
type inbox struct {
	token, etag string
	cards       []card
}

// due lists what is due. It waits until something changes, 25 seconds at most; 304 costs next to nothing.
func (b *inbox) due() ([]card, error) {
	text, header, err := call(http.MethodGet, "/v1/inapp/cards?wait=25", b.token, "", nil, b.etag)
	if err != nil || header == nil {
		return b.cards, err
	}
	b.etag = header.Get("ETag")
	var list struct {
		Cards []card `json:"cards"`
	}
	err = json.Unmarshal(text, &list)
	b.cards = list.Cards
	return b.cards, err
}

func (b *inbox) shown(c card) error {
	_, _, err := call(http.MethodPost, "/v1/inapp/cards/"+c.ID+"/shown", b.token, "", nil, "")
	return err
}

func (b *inbox) answer(c card, question string, value any) (f form, err error) {
	var got struct {
		Form form `json:"form"`
	}
	err = b.say(http.MethodPut, "/v1/inapp/cards/"+c.ID+"/answers/"+question, map[string]any{"value": value}, &got)
	return got.Form, err
}

func (b *inbox) handIn(c card) (thanks string, err error) {
	var got struct {
		Thanks string `json:"thanks"`
	}
	err = b.say(http.MethodPost, "/v1/inapp/cards/"+c.ID+"/answers", map[string]any{}, &got)
	return got.Thanks, err
}

func (b *inbox) feedback(id, words string, score int) (kept string, err error) {
	var got struct {
		ID string `json:"id"`
	}
	err = b.say(http.MethodPost, "/v1/inapp/feedback", map[string]any{"id": id, "text": words, "score": score}, &got)
	return got.ID, err
}

func (b *inbox) say(method, path string, body, into any) error {
	text, _, err := call(method, path, b.token, "application/json", body, "")
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// call sends one request; the header is nil when nothing changed since etag.
func call(method, path, bearer, kind string, body any, etag string) ([]byte, http.Header, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, nil, err
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, base+path, content)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	got, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = got.Body.Close() }() // it has been read
	text, err := io.ReadAll(io.LimitReader(got.Body, answerBytesMost))
	switch {
	case err != nil:
		return nil, nil, err
	case got.StatusCode == http.StatusNotModified:
		return nil, nil, nil
	case got.StatusCode >= 400:
		return nil, nil, fmt.Errorf("%s %s: %d %s", method, path, got.StatusCode, text)
	}
	return text, got.Header, nil
}

func main() {
	if len(os.Args) == 6 && os.Args[1] == "verify" { // verify ID TIMESTAMP SIGNATURES BODY
		verdict := "forged"
		if verifyWebhook(os.Getenv("WEBHOOK_SECRET"), os.Args[2], os.Args[3], os.Args[4], []byte(os.Args[5])) {
			verdict = "genuine"
		}
		fmt.Println(verdict)
		return
	}
	if err := tour(cmp.Or(os.Getenv("CUSTOMER"), "W1004")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tour is one failed payment, its question, the answer and a word of feedback.
func tour(customer string) error {
	err := postEvent(os.Getenv("HUIYIN_API_KEY"), map[string]any{
		"specversion": "1.0", "id": "go-" + rand.Text(), "source": "/samples/go", "type": "wallet.payment.failed", "subject": customer,
		"time": time.Now().UTC().Format(time.RFC3339Nano),
		"data": map[string]any{"order_id": rand.Text(), "amount_minor": 1200, "currency": "CNY", "merchant": "茶舍", "reason": "insufficient-funds", "charged": false},
	})
	if err != nil {
		return err
	}
	fmt.Println("event accepted")
	token, err := customerToken(os.Getenv("HUIYIN_SIGNING_SECRET"), customer)
	if err != nil {
		return err
	}
	b := &inbox{token: token}
	c, err := b.question()
	if err != nil {
		return err
	}
	fmt.Println("card:", c.Title)
	if err := b.shown(c); err != nil {
		return err
	}
	fmt.Println("shown")
	f, err := b.answer(c, c.Form.Next, 5)
	if err != nil {
		return err
	}
	fmt.Println("complete:", f.Complete)
	thanks, err := b.handIn(c)
	if err != nil {
		return err
	}
	fmt.Println("thanks:", thanks)
	kept, err := b.feedback(rand.Text(), "很好用", 5)
	fmt.Println("feedback:", kept != "")
	return err
}

// question waits for a card that asks something.
func (b *inbox) question() (card, error) {
	for range waitRounds {
		cards, err := b.due()
		if err != nil {
			return card{}, err
		}
		for _, c := range cards {
			if c.Form != nil {
				return c, nil
			}
		}
	}
	return card{}, errors.New("no card with questions came")
}
