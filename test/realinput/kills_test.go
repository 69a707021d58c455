package realinput

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/huiyin/huiyin/test/realinput/oracle"
)

const (
	killSeed   = 19990201
	kills      = 10
	killDelay  = 20 * time.Millisecond // at most, after the mail that was waited for
	sinkKills  = "take-then-kill=0.0015"
	restartMax = 60
	claimed    = 8 // the mail channel's own default of mails in flight: as many may be claimed when a kill comes
)

func TestThreeWeeksWithKills(t *testing.T) {
	calls := readCalls(t)
	eachEngine(t, options{country: "IL", sink: []string{"-shares", sinkKills}, long: true}, func(h *house) {
		events := h.prepare(calls)
		began := time.Now()
		ours, theirs := h.replayWithKills(events)
		took := time.Since(began)
		if ours != kills {
			h.t.Errorf("%d kills at random moments, want %d: the replay was over too soon", ours, kills)
		}
		if n := h.rows(1, `SELECT CAST(COUNT(*) AS TEXT) FROM event_log`)[0][0]; n != strconv.Itoa(servedCalls) {
			h.t.Errorf("%s events in the log, want %d", n, servedCalls)
		}
		held, terms, mails := h.heldOut(calls), theTerms(h.t), h.mails()
		complain(h.t, "harm", oracle.Judge(mails, held, terms))
		expected, err := oracle.Expect(triggers(calls), held, terms)
		if err != nil {
			h.t.Fatal(err)
		}
		aside := h.asides(mails)
		if len(aside) > (ours+theirs)*claimed || len(aside) < theirs {
			h.t.Errorf("%d set aside after %d kills, %d of them right after a mail was taken", len(aside), ours+theirs, theirs)
		}
		complain(h.t, "mail", oracle.Compare(expected, mails, aside))
		complain(h.t, "follow-up", differ(expectedLines(expected), h.followUps(), aside))
		h.accountWithAside(len(aside))
		h.t.Logf("killed %d times by us, %d times by the mail server; %d mailed, %d set aside; %.1f s", ours, theirs, len(mails), len(aside), took.Seconds())
		h.endAside(aside, mails, events)
	})
}

// replayWithKills replays to the end, killing the process when so many mails were taken
// as chance said beforehand; the mail server kills it too. It counts both.
func (h *house) replayWithKills(events string) (ours, theirs int) {
	chance := rand.New(rand.NewPCG(killSeed, kills)) //nolint:gosec // repeatable on purpose
	moments := make([]int, kills)
	for i := range moments {
		moments[i] = 1 + chance.IntN(2700)
	}
	slices.Sort(moments)
	for range restartMax {
		ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
		c := h.command(ctx, "replay", "--json", "--events", events, "--apply", "testdata/callcentre")
		var complaints bytes.Buffer
		c.Stderr = &complaints
		if err := c.Start(); err != nil {
			h.t.Fatal(err)
		}
		if err := os.WriteFile(h.pidFile, []byte(strconv.Itoa(c.Process.Pid)), 0o600); err != nil {
			h.t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		killed := false
		if ours < kills {
			killed = h.killAt(c, ended, moments[ours], time.Duration(chance.Int64N(int64(killDelay))))
		}
		err := <-ended
		cancel()
		var exit *exec.ExitError
		switch {
		case err == nil:
			return ours, theirs
		case !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL:
			h.t.Fatalf("the replay failed by itself: %v\n%s", err, complaints.String())
		case killed:
			ours++
		default:
			theirs++
		}
	}
	h.t.Fatalf("the replay wasn't over after %d restarts", restartMax)
	return 0, 0
}

// killAt kills the process a moment after the mail server took its n-th mail; it says
// no if the process ended by itself before.
func (h *house) killAt(c *exec.Cmd, ended chan error, n int, delay time.Duration) bool {
	for h.lines() < n {
		select {
		case err := <-ended:
			ended <- err
			return false
		case <-time.After(time.Millisecond):
		}
	}
	time.Sleep(delay)
	return c.Process.Kill() == nil
}

// lines is how many lines the mail server's log has; only what is new is read.
func (h *house) lines() int {
	f, err := os.Open(h.wire)
	if err != nil {
		return h.linesRead // not there yet
	}
	defer func() { _ = f.Close() }() // only read from
	if _, err := f.Seek(h.bytesRead, io.SeekStart); err != nil {
		h.t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		h.t.Fatal(err)
	}
	h.bytesRead += int64(len(text))
	h.linesRead += bytes.Count(text, []byte("\n"))
	return h.linesRead
}

// asides gives the customers whose follow-up is set aside: each has one attempt whose
// outcome is unknown, and nobody else has one.
func (h *house) asides(mails []oracle.Mail) map[string]bool {
	h.t.Helper()
	aside := map[string]bool{}
	for _, r := range h.rows(3, `SELECT c.ref, f.state, CAST(COUNT(a.id) AS TEXT) FROM follow_up f JOIN customer c ON c.id = f.customer_id
		LEFT JOIN attempt a ON a.follow_up_id = f.id AND a.state IN ('unknown', 'intended') GROUP BY f.id, c.ref, f.state
		HAVING f.state = 'set_aside' OR COUNT(a.id) > 0`) {
		if r[1] != "set_aside" || r[2] != "1" {
			h.t.Errorf("customer %s: a follow-up is %s with %s attempts of unknown outcome", r[0], r[1], r[2])
		}
		aside[r[0]] = true
	}
	mailed := 0
	for _, m := range mails {
		if aside[m.Customer] {
			mailed++
		}
	}
	h.t.Logf("%d set aside, of whom %d have the mail", len(aside), mailed)
	return aside
}

func (h *house) accountWithAside(aside int) {
	h.t.Helper()
	var a account
	h.run(&a, "report", "after-call", "--json")
	sum := a.FollowUps.Open
	for _, e := range a.FollowUps.Ended {
		sum += e.N
	}
	if !a.Balanced || a.Triggers.Total != servedCalls || a.Triggers.Started+a.Triggers.Merged != servedCalls ||
		sum != a.Triggers.Started || a.FollowUps.Open != aside || a.FollowUps.SetAside != aside {
		h.t.Errorf("the account doesn't add up with %d set aside: %+v", aside, a)
	}
}

// endAside does what a person would: look the mail up in the mail server's log, and say
// what was found. Then nothing is left open.
func (h *house) endAside(aside map[string]bool, mails []oracle.Mail, events string) {
	h.t.Helper()
	arrived := map[string]bool{}
	for _, m := range mails {
		arrived[m.Customer] = true
	}
	var list struct {
		SetAside []struct{ ID, Customer string } `json:"set_aside"`
	}
	h.run(&list, "set-aside", "list", "--json")
	if len(list.SetAside) != len(aside) {
		h.t.Fatalf("the list holds %d, want %d", len(list.SetAside), len(aside))
	}
	for _, f := range list.SetAside {
		verdict := "not-arrived"
		if arrived[f.Customer] {
			verdict = "arrived"
		}
		h.run(nil, "set-aside", "end", f.ID, "--verdict", verdict, "--reason", "looked up in the mail server's log")
	}
	var done replayed
	h.run(&done, "replay", "--json", "--events", events)
	p := done.Programs["after-call"]
	if !p.Balanced || p.FollowUps["open"] != 0 || p.FollowUps["set_aside"] != 0 {
		h.t.Errorf("something is left open: %+v", p)
	}
	if again := h.mails(); len(again) != len(mails) {
		h.t.Errorf("%d mails went out years after their deadline", len(again)-len(mails))
	}
}
