package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/email"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/test/fake/mailsink"
	"github.com/huiyin/huiyin/test/fake/wirelog"
)

const (
	postfixFolder = "/usr/lib/postfix/sbin"
	postfixStop   = 10 * time.Second

	// What an instance of its own needs: its folders, loopback, and nothing that leaves the machine.
	postfixMain = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.relay.example
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_reject_unlisted_recipient = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access texthash:%[1]s/conf/access, permit_mynetworks, reject
transport_maps = texthash:%[1]s/conf/transport
default_transport = error:5.1.2 nothing leaves this machine
maillog_file = %[1]s/mail.log
maillog_file_prefixes = /var, %[1]s
disable_dns_lookups = yes
notify_classes =
`
	postfixMaster = `127.0.0.1:%s inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`
	postfixAccess = `defer@accept.example 450 4.2.0 Greylisted, come back later
refuse@accept.example 550 5.1.1 User unknown
`
	postfixTransport = `accept.example discard:
gone.example error:5.1.1 User unknown in relay recipient table
wallet.example smtp:[127.0.0.1]:%s
direct.example smtp:[127.0.0.1]:%s
`
)

// postfix starts an instance of the machine's postfix: it takes mail for accept.example,
// bounces what goes to gone.example, and brings what goes to wallet.example and to direct.example to the two addresses.
func postfix(t *testing.T, returns, direct string) (address string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TRIED: postfix's master only starts as root, and drops its rights itself")
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		t.Fatalf("postfix is not installed; run scripts/setup.sh: %v", err)
	}
	folder, err := os.MkdirTemp("", "huiyin-postfix-") // not t.TempDir: postfix's own user must get in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(folder, "mail.log")); err == nil && t.Failed() {
			t.Logf("postfix says:\n%s", log)
		}
		_ = os.RemoveAll(folder)
	})
	address = freePort(t)
	_, port, _ := net.SplitHostPort(address)
	_, back, _ := net.SplitHostPort(returns)
	_, straight, _ := net.SplitHostPort(direct)
	uid, _ := strconv.Atoi(owner.Uid)
	for _, d := range []string{"conf", "queue", "data"} {
		if err := os.Mkdir(filepath.Join(folder, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(folder, "data"), uid, 0); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"main.cf": fmt.Sprintf(postfixMain, folder), "master.cf": fmt.Sprintf(postfixMaster, port),
		"access": postfixAccess, "transport": fmt.Sprintf(postfixTransport, back, straight),
	} {
		if err := os.WriteFile(filepath.Join(folder, "conf", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("/usr/sbin/postfix", "-c", filepath.Join(folder, "conf"), "check").CombinedOutput(); err != nil {
		t.Fatalf("postfix check: %v\n%s", err, out)
	}
	master := exec.Command(filepath.Join(postfixFolder, "master"), "-c", filepath.Join(folder, "conf"), "-d")
	master.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it ends its daemons by their group
	if err := master.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = master.Wait() // it was told to end
	}()
	t.Cleanup(func() {
		_ = master.Process.Signal(syscall.SIGTERM) // it ends its own daemons
		select {
		case <-ended:
		case <-time.After(postfixStop):
			_ = master.Process.Kill() // likewise
			t.Error("postfix had to be killed")
		}
	})
	until(t, "postfix listens", func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return address
}

// returned starts where bounces come back to, and gives a reader of those that came.
func returned(t *testing.T) (address string, read func() []mailsink.Seen) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "returned.jsonl")
	sink, err := mailsink.Start(mailsink.Options{Address: "127.0.0.1:0", Log: log, Bodies: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	})
	return sink.Address(), func() []mailsink.Seen {
		t.Helper()
		all, err := wirelog.Read[mailsink.Seen](log)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return all
	}
}

func TestWhatPostfixBouncesComesBackAndNobodyIsWrittenToThereAgain(t *testing.T) {
	address, back := returned(t)
	direct := freePort(t)
	server := postfix(t, address, direct)
	t.Run("the channel", func(t *testing.T) { postfixAnswers(t, server) })
	t.Run("brought back by SMTP", func(t *testing.T) { postfixBringsBack(t, server, direct) })

	p := newPlace(t, "")
	p.settings(map[string]string{"email": "{adapter: smtp, server: \"" + server + "\", encryption: none, from: 示例钱包 <service@wallet.example>, return_path: bounces@wallet.example}"})
	p.publish("email")
	p.feed("id,name,language,country,zones,email\nc0,客户甲,zh-CN,CN,Asia/Shanghai,ann@gone.example\nc1,客户乙,zh-CN,CN,Asia/Shanghai,bob@accept.example\n", "import", "customers", "-")
	s := p.serve()
	s.key = p.keyFor("events-write,reports-read,receipts-write,follow-ups-read,customers-write,customers-read")
	if status, answer, _ := s.do(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", encode(t, []any{failed("a", "c0"), failed("b", "c1")})); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, answer)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.said())
		}
	})
	until(t, "a bounce comes back", func() bool { return len(back()) > 0 })
	bounce := back()[0]
	if bounce.From != "" || !strings.HasPrefix(bounce.To, "bounces+") || !strings.Contains(bounce.Body, "message/delivery-status") {
		t.Fatalf("postfix's own report: from %q to %q\n%s", bounce.From, bounce.To, bounce.Body)
	}

	take := func(body, to string) (int, string) {
		status, answer, _ := s.do(http.MethodPost, "/v1/channels/email/bounces?recipient="+url.QueryEscape(to), "message/rfc822", []byte(body))
		return status, string(answer)
	}
	_, key, _ := strings.Cut(strings.TrimSuffix(bounce.To, "@wallet.example"), "+")
	forged := strings.Map(func(r rune) rune { // every letter moved on: as long, and not ours
		if r >= 'a' && r < 'z' {
			return r + 1
		}
		return r
	}, key)
	if status, answer := take(strings.ReplaceAll(bounce.Body, key, forged), strings.ReplaceAll(bounce.To, key, forged)); status != http.StatusBadRequest || !strings.Contains(answer, "bounce-not-ours") {
		t.Errorf("a forged bounce: %d %s", status, answer)
	}
	for range 2 { // it comes twice
		if status, answer := take(bounce.Body, bounce.To); status != http.StatusOK || !strings.Contains(answer, `"no-such-address"`) || !strings.Contains(answer, `"mailbox-unknown"`) {
			t.Fatalf("%d %s", status, answer)
		}
	}
	may := func(who string) string {
		_, answer, _ := s.do(http.MethodGet, "/v1/customers/"+who+"/may-contact?channel=email&purpose=notice", "", nil)
		return string(answer)
	}
	if got := may("c0"); !strings.Contains(got, "no-contact-point") {
		t.Errorf("after the bounce: %s", got)
	}
	if got := may("c1"); strings.Contains(got, "no-contact-point") {
		t.Errorf("the other customer: %s", got)
	}
	type stage struct{ Accepted, Undelivered int64 }
	_, answer, _ := s.do(http.MethodGet, "/v1/programs/failed-payment/report", "", nil)
	r := object[struct {
		Balanced bool
		Funnel   []stage
	}](t, answer)
	var undelivered int64 // of the first step or the second: whose bounce came back first
	for _, f := range r.Funnel {
		undelivered += f.Undelivered
	}
	if !r.Balanced || undelivered != 1 {
		t.Errorf("the report says %s", answer)
	}
	// The same through the command that a mail server's pipe calls.
	if done := p.feed(bounce.Body, "import", "bounces", "-", "--recipient", bounce.To); done.code != 0 || done.last() != "1 taken in, 0 others" {
		t.Errorf("%d: %s%s", done.code, done.out, done.complaints)
	}
	confirm := `{"channel":"email","address":"ann@gone.example"}`
	if status, answer, _ := s.do(http.MethodPost, "/v1/customers/c0/points/confirm", "application/json", []byte(confirm)); status != http.StatusNoContent {
		t.Errorf("%d %s", status, answer)
	}
	if got := may("c0"); strings.Contains(got, "no-contact-point") {
		t.Errorf("after it was confirmed: %s", got)
	}
}

// postfixAnswers sends one message for each way the server may take it.
func postfixAnswers(t *testing.T, server string) {
	c, err := email.New(email.Settings{Server: server, Encryption: email.Plain, From: "service@wallet.example", InFlight: 2, SendTimeout: 10 * time.Second}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for _, x := range []struct {
		to     string
		result channel.Result
		reason codes.Reason
		again  bool
	}{
		{"ok@accept.example", channel.OK, codes.Accepted, false},
		{"defer@accept.example", channel.Rejected, codes.ProviderBusy, true},
		{"refuse@accept.example", channel.Rejected, codes.MailboxUnknown, false},
		{"ok@accept.example", channel.OK, codes.Accepted, false}, // on the same connection, after the refusals
	} {
		m := channel.Message{Key: "k-1", To: x.to, Subject: "回访", Text: "您好", HTML: "<p>您好</p>"}
		got := c.Send(t.Context(), m, func(ctx context.Context) error { return ctx.Err() })
		if got.Result != x.result || got.Reason != x.reason || (got.RetryAfter > 0) != x.again || got.Result == channel.OK && got.Ref == "" {
			t.Errorf("%s: %+v", x.to, got)
		}
	}
}

// postfixBringsBack lets postfix bring its bounces to the server itself.
func postfixBringsBack(t *testing.T, server, direct string) {
	p := newPlace(t, "")
	p.settings(map[string]string{"email": "{adapter: smtp, server: \"" + server + "\", encryption: none, from: service@direct.example, return_path: back@direct.example, returns_listen: \"" + direct + "\"}"})
	p.publish("email")
	p.feed("id,name,language,country,zones,email\nc0,客户甲,zh-CN,CN,Asia/Shanghai,ann@gone.example\n", "import", "customers", "-")
	s := p.serve()
	s.key = p.keyFor("events-write,follow-ups-read")
	if status, answer, _ := s.do(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", encode(t, []any{failed("a", "c0")})); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, answer)
	}
	until(t, "the address isn't used any more", func() bool {
		_, answer, _ := s.do(http.MethodGet, "/v1/customers/c0/may-contact?channel=email&purpose=notice", "", nil)
		return strings.Contains(string(answer), "no-contact-point")
	})
	c, err := smtp.Dial(direct)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // it has been said what was to be said
	if err := c.Mail(""); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"back@direct.example", "back+" + strings.Repeat("a", 26) + "@direct.example", "somebody@elsewhere.example"} {
		if err := c.Rcpt(to); err == nil || !strings.HasPrefix(err.Error(), "550") {
			t.Errorf("mail for %s is taken: %v", to, err)
		}
	}
}
