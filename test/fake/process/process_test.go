package process

import (
	"bytes"
	"fmt"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/huiyin/huiyin/test/fake/gateway"
	"github.com/huiyin/huiyin/test/fake/mailsink"
	"github.com/huiyin/huiyin/test/fake/wirelog"
)

// victim is a process that a fake is to kill; its id stands in the file.
func victim(t *testing.T) (pidFile string, killed func() bool) {
	t.Helper()
	sleeper := exec.Command("sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = sleeper.Wait() // how it ended is in ProcessState
		close(ended)
	}()
	t.Cleanup(func() { _ = sleeper.Process.Kill() }) // it should have ended
	pidFile = filepath.Join(t.TempDir(), "pid")
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(sleeper.Process.Pid)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return pidFile, func() bool {
		select {
		case <-ended:
			status, ok := sleeper.ProcessState.Sys().(syscall.WaitStatus)
			return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
		case <-time.After(10 * time.Second):
			return false
		}
	}
}

func started(t *testing.T, pkg string, arguments ...string) *Process {
	t.Helper()
	binary, err := Build(t.TempDir(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(binary, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		if p.CPU() == 0 {
			t.Error("its CPU time is not known")
		}
	})
	return p
}

func TestTheGatewayInItsOwnProcessKillsRightAfterTaking(t *testing.T) {
	pidFile, killed := victim(t)
	log := filepath.Join(t.TempDir(), "wire.jsonl")
	p := started(t, "./test/fake/gateway/fakegateway", "-log", log, "-kill", pidFile, "-shares", "take-then-kill=1")
	r, err := http.NewRequest(http.MethodPost, p.Line, bytes.NewBufferString(`{"key":"k-1","to":"+86138"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Idempotency-Key", "k-1")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close() // its words don't matter
	if !killed() {
		t.Error("the process lives")
	}
	if err := syscall.Kill(p.PID(), 0); err != nil {
		t.Errorf("the gateway itself is gone: %v", err)
	}
	seen, err := wirelog.Read[gateway.Seen](log)
	if err != nil || len(seen) != 1 || !seen[0].Taken || seen[0].Key != "k-1" {
		t.Errorf("%+v, %v", seen, err)
	}
}

func TestTheMailSinkInItsOwnProcessKillsRightAfterTaking(t *testing.T) {
	pidFile, killed := victim(t)
	log := filepath.Join(t.TempDir(), "wire.jsonl")
	p := started(t, "./test/fake/mailsink/fakemailsink", "-log", log, "-kill", pidFile, "-shares", "take-then-kill=1")
	body := "Subject: =?utf-8?b?5Zue6K6/?=\r\nX-Huiyin-Key: k-1\r\nX-Huiyin-At: 1999-02-03T11:12:13Z\r\n\r\nhello\r\n"
	if err := smtp.SendMail(p.Line, nil, "care@wallet.example", []string{"ann@example.com"}, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if !killed() {
		t.Error("the process lives")
	}
	seen, err := wirelog.Read[mailsink.Seen](log)
	if err != nil || len(seen) != 1 {
		t.Fatalf("%+v, %v", seen, err)
	}
	got := fmt.Sprint(seen[0].Taken, seen[0].Key, seen[0].Virtual, seen[0].To, seen[0].From, seen[0].Subject, seen[0].Size)
	want := fmt.Sprint(true, "k-1", "1999-02-03T11:12:13Z", "ann@example.com", "care@wallet.example", "回访", len(body))
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAProcessThatDoesNotSayWhereItListensIsAnError(t *testing.T) {
	binary, err := Build(t.TempDir(), "./test/fake/mailsink/fakemailsink")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(binary, "-shares", "nonsense=1", "-log", filepath.Join(t.TempDir(), "wire.jsonl")); err == nil {
		t.Error("it was called started")
	}
}
