package api_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/channel/sms"
	"github.com/huiyin/huiyin/internal/hear/answer"
	hear "github.com/huiyin/huiyin/internal/hear/reply"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/test/fake/smsgateway"
)

const smsSecret = "a secret of the gateway's"

// texting is a site whose customers get text messages through a gateway.
type texting struct {
	*site
	shape   smsgateway.Shape
	gateway *smsgateway.Gateway
	hooks   smsgateway.Hooks
}

func newTexting(t *testing.T, s *site, shape smsgateway.Shape, approvals ...sms.Approval) *texting {
	t.Helper()
	x := &texting{site: s, shape: shape}
	x.hooks = smsgateway.Hooks{Receipts: s.server.URL + "/v1/receipts/sms", Replies: s.server.URL + "/v1/replies/sms", User: "huiyin", Secret: smsSecret}
	var err error
	x.gateway, err = smsgateway.Start(smsgateway.Options{Shape: shape, Address: "127.0.0.1:0", Log: filepath.Join(t.TempDir(), "sms.jsonl"), User: "AC1", Secret: smsSecret})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := sms.Named(string(shape))
	values := map[string]string{"endpoint": x.gateway.URL(), "token": smsSecret, "callback_secret": smsSecret}
	if shape == smsgateway.Twilio {
		values = map[string]string{"endpoint": x.gateway.URL(), "account_sid": "AC1", "auth_token": smsSecret, "from": "+15550006789"}
	}
	c, err := sms.New(sms.Settings{
		Gateway: d, Values: values, Templates: approvals, Confirm: true, ReceiptsURL: x.hooks.Receipts, RepliesURL: x.hooks.Replies, Clock: clock.System{}, Random: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.app.Channels.Register("sms", c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if err := x.gateway.Close(); err != nil {
			t.Error(err)
		}
	})
	text := strings.NewReplacer("channels: [email, inapp]", "channels: [sms]", "channel: email", "channel: sms").Replace(documents)
	if got := s.ask(http.MethodPost, "/v1/documents?publish=true", "application/yaml", []byte(text)); got.StatusCode != http.StatusOK {
		t.Fatalf("%d: %s", got.StatusCode, got.text)
	}
	return x
}

// oneEngine runs fn on SQLite alone: what it tries asks the database nothing that others don't on both.
func oneEngine(t *testing.T, fn func(t *testing.T, s *site)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "api.db")
	fn(t, newSite(t, "sqlite:"+path, path+".keys"))
}

// write makes customers with a phone number, and writes to each in turn.
func (x *texting) write(number string, who ...string) {
	x.t.Helper()
	for _, ref := range who {
		x.json(http.MethodPut, "/v1/customers/"+ref, map[string]any{
			"language": "zh-CN", "country": "CN", "zones": []string{"Asia/Shanghai"},
			"points": []map[string]any{{"channel": "phone", "address": number, "verified": true}},
		}, http.StatusOK)
		taken(x.t, x.ask(http.MethodPost, "/v1/events", single, encode(x.t, failed("e-"+ref, ref))))
		x.work()
	}
}

// say posts what somebody wrote back.
func (x *texting) say(id, from, text string) (status int, words string) {
	x.t.Helper()
	post := x.hooks.Reply(x.shape, id, from, text)
	status, words, err := post.Send(x.server.Client())
	if err != nil {
		x.t.Fatal(err)
	}
	return status, words
}

func (x *texting) heard(id, from, text string) {
	x.t.Helper()
	if status, words := x.say(id, from, text); status/100 != 2 {
		x.t.Fatalf("%s: %d %s", text, status, words)
	}
}

func (x *texting) sent() []smsgateway.Seen {
	x.t.Helper()
	all, err := x.gateway.Seen()
	if err != nil {
		x.t.Fatal(err)
	}
	return all
}

func (x *texting) read(fn func(tx *db.Tx) error) {
	x.t.Helper()
	if err := x.app.DB.Read(context.Background(), fn); err != nil {
		x.t.Fatal(err)
	}
}

// of gives a customer's replies, the newest first, and answers.
func (x *texting) of(ref string) (replies []hear.Reply, answers []answer.Answer, standing consent.Standing) {
	x.t.Helper()
	x.read(func(tx *db.Tx) error {
		found, err := customer.Find(tx, []string{ref})
		if err != nil {
			return err
		}
		if replies, err = hear.OfCustomer(tx, found[ref], 100); err != nil {
			return err
		}
		if answers, err = answer.OfCustomer(tx, found[ref], 100); err != nil {
			return err
		}
		all, err := consent.StandingOf(tx, []int64{found[ref]})
		standing = all[found[ref]]
		return err
	})
	return replies, answers, standing
}

const annsNumber = "+8613800000001"

func TestARefusalByReplyHoldsForEverybodyWhoSharesTheNumberAndIsConfirmedOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		x := newTexting(t, s, smsgateway.Plain)
		x.write(annsNumber, "ann", "bob")
		if len(x.sent()) != 2 {
			t.Fatalf("%d were sent", len(x.sent()))
		}
		for range 3 { // the provider posts it again and again
			x.heard("r-1", annsNumber, "别再发了")
		}
		x.heard("r-2", annsNumber, "TD")
		for _, who := range []string{"ann", "bob"} {
			if _, _, standing := x.of(who); len(standing.Refusals) != 1 || standing.Refusals[0].Channel != "sms" {
				t.Errorf("%s: %+v", who, standing)
			}
		}
		last := x.sent()[len(x.sent())-1]
		if len(x.sent()) != 3 || !strings.HasPrefix(last.Text, "【示例钱包】您已退订") || last.To != annsNumber {
			t.Errorf("%d were sent in the end, the last %+v", len(x.sent()), last)
		}
		x.write(annsNumber, "cleo") // the number belongs to one more now
		if len(x.sent()) != 3 {
			t.Error("a number that refused was written to")
		}
		replies, _, _ := x.of("bob") // who was written to last
		if len(replies) != 2 || replies[0].Kind != hear.Refusal || replies[1].Confirmation != hear.Accepted || replies[0].Confirmation != hear.NoConfirmation || replies[1].FollowUp == 0 {
			t.Errorf("%+v", replies)
		}
	})
}

func TestAWordTakesARefusalBackAndNothingThatWasRefusedElsewhere(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		x := newTexting(t, s, smsgateway.Twilio)
		x.write(annsNumber, "ann")
		x.heard("r-1", annsNumber, "STOP")
		s.json(http.MethodPost, "/v1/customers/ann/refusals", map[string]any{"channel": "phone", "source": "staff", "words": "no calls"}, http.StatusCreated)
		if status, words := x.say("r-2", annsNumber, "Start!"); status != 200 || !strings.Contains(words, "<Response>") {
			t.Errorf("Twilio is answered %d %q", status, words)
		}
		x.heard("r-1", annsNumber, "STOP") // replayed
		replies, _, standing := x.of("ann")
		if len(standing.Refusals) != 1 || standing.Refusals[0].Channel != "phone" || len(replies) != 2 || replies[0].Kind != hear.Restored || replies[0].Refusal == 0 {
			t.Errorf("%+v, %+v", standing, replies)
		}
		x.read(func(tx *db.Tx) error {
			all, err := audit.List(tx, 100)
			if err == nil && !strings.Contains(fmt.Sprint(all), "refusal.lift") {
				t.Errorf("the trail doesn't say so: %v", all)
			}
			return err
		})
	})
}

func TestANumberAnswersTheQuestionThatTheLastMessageAsked(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		x := newTexting(t, s, smsgateway.Plain)
		x.write(annsNumber, "ann")
		x.write("+8613800000002", "bob")
		x.heard("r-1", annsNumber, " ５。")
		x.heard("r-1", annsNumber, "1") // the same name: a copy, whatever it says
		x.heard("r-2", annsNumber, "3") // it has been answered
		x.heard("r-3", "+8613800000002", "9")
		x.heard("r-4", "+8613800000002", "等了三天,退款还没到")
		replies, answers, _ := x.of("ann")
		if len(answers) != 1 || answers[0].Score != 5 || answers[0].CompletedAt.IsZero() || len(replies) != 2 || replies[1].Kind != hear.Answer || replies[0].Kind != hear.Words {
			t.Errorf("%+v, %+v", answers, replies)
		}
		replies, answers, _ = x.of("bob")
		if len(answers) != 0 || len(replies) != 2 || replies[0].Kind != hear.Words || replies[0].Body != "等了三天,退款还没到" || replies[1].Body != "9" || replies[0].FollowUp == 0 {
			t.Errorf("a number off the scale and words: %+v, %+v", answers, replies)
		}
	})
}

func TestWhatIsForgedStaleOrFromAStrangerDoesNoHarm(t *testing.T) {
	oneEngine(t, func(t *testing.T, s *site) {
		x := newTexting(t, s, smsgateway.Plain)
		x.write(annsNumber, "ann")
		x.hooks.Secret = "guessed"
		if status, _ := x.say("r-1", annsNumber, "TD"); status != http.StatusUnauthorized {
			t.Errorf("a forged reply is answered %d", status)
		}
		forged := x.hooks.Receipt(x.shape, "", "ref-1", annsNumber, true)
		if status, _, err := forged.Send(s.server.Client()); err != nil || status != http.StatusUnauthorized {
			t.Errorf("a forged receipt: %d, %v", status, err)
		}
		x.hooks.Secret = smsSecret
		if replies, _, standing := x.of("ann"); len(replies) != 0 || len(standing.Refusals) != 0 {
			t.Errorf("%+v, %+v", replies, standing)
		}
		x.heard("r-1", "+8613900000009", "你们是谁?")
		x.heard("r-2", "10086", "TD")
		x.heard("r-3", "+8613900000009", "退订")
		unknown := x.hooks.Receipt(x.shape, "made-up-key", "ref-unknown", "+86139", false)
		if status, words, err := unknown.Send(s.server.Client()); err != nil || status != http.StatusNoContent {
			t.Errorf("a receipt for a message nobody knows: %d %s, %v", status, words, err)
		}
		x.write("+8613900000009", "dora") // whose number refused before we knew them
		if n := len(x.sent()); n != 2 {   // ann's message and a confirmation; 10086 can't be written to
			t.Errorf("%d were sent", n)
		}
		var kept int
		x.read(func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT COUNT(*) FROM reply WHERE kind = 'stranger' AND body <> ''`).Scan(&kept)
		})
		if kept != 0 {
			t.Error("a stranger's words were kept")
		}
		if got := s.ask(http.MethodPost, "/v1/replies/email", "application/json", []byte("{}")); got.StatusCode != http.StatusNotFound {
			t.Errorf("a channel nobody can reply on: %d", got.StatusCode)
		}
	})
}

func TestStrangersWhoPostSlowlyKeepNoRefusalOut(t *testing.T) {
	oneEngine(t, func(t *testing.T, s *site) {
		x := newTexting(t, s, smsgateway.Plain)
		for i := range 140 {
			c, err := net.Dial("tcp", s.server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			path := []string{"/v1/receipts/sms", "/v1/replies/sms"}[i%2]
			if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", path); err != nil {
				t.Fatal(err)
			}
			// The server asks for the body once it is about to read it.
			if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
				t.Fatalf("stranger %d: %s, %v", i, line, err)
			}
		}
		report := x.hooks.Receipt(x.shape, "made-up-key", "ref-unknown", "+86139", false)
		if status, words, err := report.Send(s.server.Client()); err != nil || status != http.StatusNoContent {
			t.Errorf("a receipt: %d %s, %v", status, words, err)
		}
		x.heard("r-1", "+8613900000009", "退订")
	})
}

func TestAConfirmationWhoseFateIsUnknownIsNeverSentAgain(t *testing.T) {
	oneEngine(t, func(t *testing.T, s *site) {
		x := newTexting(t, s, smsgateway.Plain)
		x.write(annsNumber, "ann")
		x.gateway.Force(smsgateway.TakeThenDrop)
		x.heard("r-1", annsNumber, "退订")
		x.gateway.Force("")
		x.heard("r-1", annsNumber, "退订")
		x.heard("r-2", annsNumber, "退订")
		x.work()
		if n := len(x.sent()); n != 2 {
			t.Errorf("%d were sent", n)
		}
		if replies, _, _ := x.of("ann"); len(replies) != 2 || replies[1].Confirmation != hear.Unknown {
			t.Errorf("%+v", replies)
		}
	})
}

func TestATemplateThatIsNotApprovedWarnsWhenPublishedAndIsWithheld(t *testing.T) {
	oneEngine(t, func(t *testing.T, s *site) {
		x := newTexting(t, s, smsgateway.Plain, sms.Approval{Template: "told", Language: "zh-CN", State: sms.Pending}, sms.Approval{Template: "told", Language: "en", State: sms.Approved})
		first, _, _ := strings.Cut(documents, "---\nkind: Program\nname: called-up")
		text := strings.NewReplacer("channels: [email, inapp]", "channels: [sms]", "channel: email, purpose: survey, questionnaire: how-was-it", "channel: sms, purpose: notice, template: told").Replace(first) + `---
kind: Template
name: told
channels: [sms]
variants:
  - body: {zh-CN: "付款没有成功。", en: "` + strings.Repeat("The payment did not go through. ", 40) + `{{ trigger.data.merchant }}"}
`
		got := s.ask(http.MethodPost, "/v1/documents?publish=true", "application/yaml", []byte(text))
		var done struct{ Warnings []string }
		got.read(t, &done)
		if all := strings.Join(done.Warnings, "\n"); len(done.Warnings) != 2 || !strings.Contains(all, "has not approved the template told in zh-CN") || !strings.Contains(all, "in en counts as") {
			t.Fatalf("%d: %s", got.StatusCode, got.text)
		}
		x.write(annsNumber, "ann")
		if n := len(x.sent()); n != 0 {
			t.Errorf("%d were sent", n)
		}
		var story struct{ Moments []struct{ Reason string } }
		s.json(http.MethodGet, "/v1/programs/after-payment/explain?customer=ann", nil, http.StatusOK).read(t, &story)
		if !strings.Contains(fmt.Sprint(story), "template-not-approved") {
			t.Errorf("%+v", story)
		}
	})
}
