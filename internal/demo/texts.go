package demo

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	textsKept     = 500
	textBytesMax  = 16 << 10
	textTimeout   = 10 * time.Second
	replyRunesMax = 500
	secretBytes   = 16
	tellApart     = 8 // characters of the token by which the replies of one run differ from another's
)

// Text is one text message, to a customer or from them.
type Text struct {
	Number int
	At     time.Time
	Phone  string // the customer's
	Body   string
	Reply  bool // from the customer
}

// Texts is a gateway for text messages that keeps what it is given for all to read, and
// posts what customers reply. It speaks the shipped document "plain" and listens on this
// machine alone.
type Texts struct {
	server   *http.Server
	listener net.Listener
	now      func() time.Time
	token    string // what the sender shows
	secret   string // what replies are signed with

	mu    sync.Mutex
	texts []Text         // oldest first
	byKey map[string]int // numbers by idempotency key
	next  int
}

// NewTexts starts a gateway on a free port, with secrets drawn from random.
func NewTexts(now func() time.Time, random io.Reader) (*Texts, error) {
	var secrets [2 * secretBytes]byte
	if _, err := io.ReadFull(random, secrets[:]); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &Texts{
		listener: l, now: now, byKey: map[string]int{}, next: 1,
		token: hex.EncodeToString(secrets[:secretBytes]), secret: hex.EncodeToString(secrets[secretBytes:]),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /messages", t.take)
	mux.HandleFunc("GET /messages/{key}", t.find)
	t.server = &http.Server{Handler: mux, ReadTimeout: textTimeout, WriteTimeout: textTimeout, IdleTimeout: time.Minute}
	return t, nil
}

// Endpoint is where it listens.
func (t *Texts) Endpoint() string { return "http://" + t.listener.Addr().String() }

// Values are what the gateway document asks for.
func (t *Texts) Values() map[string]string {
	return map[string]string{"endpoint": t.Endpoint(), "token": t.token, "callback_secret": t.secret}
}

// Serve takes messages until Close.
func (t *Texts) Serve() error {
	if err := t.server.Serve(t.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close stops taking messages.
func (t *Texts) Close() error { return t.server.Close() }

// Thread gives what was written to a number and from it ("" = every number), newest first.
func (t *Texts) Thread(phone string, limit int) []Text {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Text
	for i := len(t.texts) - 1; i >= 0 && len(out) < limit; i-- {
		if phone == "" || t.texts[i].Phone == phone {
			out = append(out, t.texts[i])
		}
	}
	return out
}

func (t *Texts) keep(text Text, key string) Text {
	t.mu.Lock()
	defer t.mu.Unlock()
	text.Number, text.At = t.next, t.now()
	t.next++
	t.texts = append(t.texts, text)
	if key != "" {
		t.byKey[key] = text.Number
	}
	if n := len(t.texts) - textsKept; n > 0 {
		t.texts = append([]Text(nil), t.texts[n:]...)
		for key, number := range t.byKey {
			if number < t.texts[0].Number {
				delete(t.byKey, key)
			}
		}
	}
	return text
}

func (t *Texts) known(key string) (number int, found bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	number, found = t.byKey[key]
	return number, found
}

func (t *Texts) take(w http.ResponseWriter, r *http.Request) {
	if !hmac.Equal([]byte(r.Header.Get("Authorization")), []byte("Bearer "+t.token)) {
		answerJSON(w, http.StatusUnauthorized, map[string]string{"state": "rejected", "detail": "the token is not this gateway's"})
		return
	}
	var m struct{ ID, To, Text string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, textBytesMax)).Decode(&m); err != nil || m.ID == "" || m.To == "" {
		answerJSON(w, http.StatusBadRequest, map[string]string{"state": "rejected", "detail": "a message has id, to and text"})
		return
	}
	number, again := t.known(m.ID)
	if !again {
		number = t.keep(Text{Phone: m.To, Body: m.Text}, m.ID).Number
	}
	answerJSON(w, http.StatusOK, map[string]string{"state": "accepted", "reference": strconv.Itoa(number)})
}

func (t *Texts) find(w http.ResponseWriter, r *http.Request) {
	number, found := t.known(r.PathValue("key"))
	if !found {
		answerJSON(w, http.StatusNotFound, map[string]string{"error": "unknown"})
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"state": "accepted", "reference": strconv.Itoa(number)})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked may have gone
}

// reply posts what a customer writes back to where the house takes replies, signed as the
// document says.
func (t *Texts) reply(ctx context.Context, to, phone, words string) error {
	text := t.keep(Text{Phone: phone, Body: words, Reply: true}, "")
	body, err := json.Marshal(map[string]any{"replies": []map[string]string{{
		"id": t.token[:tellApart] + "-" + strconv.Itoa(text.Number), "from": phone, "text": words, "at": text.At.UTC().Format(time.RFC3339),
	}}})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(t.now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(t.secret))
	_, _ = mac.Write(append([]byte(stamp+"."), body...)) // a hash takes all
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Timestamp", stamp)
	r.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	client := http.Client{Timeout: textTimeout}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("the reply could not be handed in: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(answer.Body, textBytesMax))
	if err != nil || answer.StatusCode/100 != 2 {
		return fmt.Errorf("the reply was not taken: %d %.300s", answer.StatusCode, said)
	}
	return nil
}
