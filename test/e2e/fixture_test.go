package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/test/fake/mailsink"
	"github.com/huiyin/huiyin/test/fake/process"
	"github.com/huiyin/huiyin/test/fake/wirelog"
)

const (
	commandTimeout = time.Minute
	readyTimeout   = 20 * time.Second
	waitTimeout    = 30 * time.Second // for what the server does by itself
	waitStep       = 20 * time.Millisecond
	stopTimeout    = 40 * time.Second
)

// Built once by TestMain.
var huiyin, fakeMailSink, fakeGateway string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "huiyin-e2e-")
	if err == nil {
		for pkg, into := range map[string]*string{
			"./cmd/huiyin": &huiyin, "./test/fake/mailsink/fakemailsink": &fakeMailSink, "./test/fake/gateway/fakegateway": &fakeGateway,
		} {
			if err == nil {
				*into, err = process.Build(folder, pkg)
			}
		}
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(folder) // what is left lies in the machine's own temporary folder
	os.Exit(code)
}

// place is where one test keeps its database, settings and files.
type place struct {
	t        *testing.T
	folder   string
	database string
	config   string
	env      []string
}

// newPlace makes a place; an empty database means SQLite.
func newPlace(t *testing.T, database string) *place {
	t.Helper()
	p := &place{t: t, folder: t.TempDir(), database: database}
	if p.database == "" {
		p.database = "sqlite:" + filepath.Join(p.folder, "e2e.db")
	}
	p.settings(nil)
	return p
}

// settings writes the settings file; channels is YAML by channel name.
func (p *place) settings(channels map[string]string) {
	p.t.Helper()
	text := "database: " + p.database + "\nkeys_file: " + filepath.Join(p.folder, "keys") + "\nlisten: 127.0.0.1:0\n" +
		"wallet: {name: {zh-CN: 示例钱包, en: Example Wallet}, hotline: 4000-123-456, country: CN}\n"
	if len(channels) > 0 {
		text += "channels:\n"
		for name, c := range channels {
			text += "  " + name + ": " + c + "\n"
		}
	}
	p.config = p.write("huiyin.yaml", text)
}

func (p *place) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// eachEngine runs fn over each engine.
func eachEngine(t *testing.T, fn func(t *testing.T, p *place)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, newPlace(t, "")) })
	t.Run("postgres", func(t *testing.T) { fn(t, newPlace(t, dbtest.PostgresURL(t))) })
}

// ran is a command that has ended.
type ran struct {
	out, complaints string
	code            int
}

// last is the last line it printed.
func (r ran) last() string {
	lines := strings.Split(strings.TrimRight(r.out, "\n"), "\n")
	return lines[len(lines)-1]
}

// huiyin runs a command with the place's settings and waits for its end.
func (p *place) huiyin(args ...string) ran { return p.feed("", args...) }

// feed is huiyin with something on standard input.
func (p *place) feed(in string, args ...string) ran {
	p.t.Helper()
	return runCommand(p.t, p.env, in, append([]string{"--config", p.config}, args...)...)
}

func runCommand(t *testing.T, env []string, in string, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	c := exec.CommandContext(ctx, huiyin, args...)
	c.Env = append(os.Environ(), env...)
	c.Stdin = strings.NewReader(in)
	var out, complaints bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaints
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("huiyin %v: %v\n%s", args, err, complaints.String())
	}
	return ran{out.String(), complaints.String(), c.ProcessState.ExitCode()}
}

// must is huiyin that has to succeed.
func (p *place) must(args ...string) ran {
	p.t.Helper()
	r := p.huiyin(args...)
	if r.code != 0 {
		p.t.Fatalf("huiyin %v: exit %d\n%s%s", args, r.code, r.out, r.complaints)
	}
	return r
}

// server is a running `huiyin serve`.
type server struct {
	t     *testing.T
	url   string
	key   string
	log   string // path
	cmd   *exec.Cmd
	ended chan error
}

// serve starts the server and waits until it says where it listens.
func (p *place) serve(args ...string) *server {
	p.t.Helper()
	s := &server{t: p.t, log: filepath.Join(p.folder, fmt.Sprintf("serve-%d.log", time.Now().UnixNano())), ended: make(chan error, 1)}
	log, err := os.Create(s.log)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the server has its own
	s.cmd = exec.Command(huiyin, append([]string{"--config", p.config, "serve"}, args...)...)
	s.cmd.Env = append(os.Environ(), p.env...)
	s.cmd.Stderr = log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	first := make(chan string, 1)
	go func() {
		line := make([]byte, 256)
		n, _ := out.Read(line) // an early end shows as an empty line
		first <- strings.TrimSpace(string(line[:n]))
		_, _ = io.Copy(io.Discard, out) // nothing more is said
		s.ended <- s.cmd.Wait()
	}()
	select {
	case s.url = <-first:
	case <-time.After(readyTimeout):
	}
	p.t.Cleanup(s.end)
	if s.url == "" {
		p.t.Fatalf("the server did not say where it listens:\n%s", s.said())
	}
	return s
}

func (s *server) said() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// signal sends a signal and waits for the end; it gives the exit code.
func (s *server) signal(sig syscall.Signal) int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-s.ended:
		s.ended <- err
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(stopTimeout):
		s.t.Fatalf("the server did not end within %s of %s:\n%s", stopTimeout, sig, s.said())
		return -1
	}
}

// end stops the server at the end of a test, whatever became of it.
func (s *server) end() {
	select {
	case err := <-s.ended:
		s.ended <- err
		return
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may be ending by itself
	select {
	case err := <-s.ended: // its exit code was looked at, or doesn't matter
		s.ended <- err
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill() // likewise
		s.t.Errorf("the server had to be killed:\n%s", s.said())
	}
}

// do sends one request to the API.
func (s *server) do(method, path, contentType string, body []byte) (status int, answer []byte, header http.Header) {
	s.t.Helper()
	status, answer, header, err := s.try(method, path, contentType, body)
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", method, path, err, s.said())
	}
	return status, answer, header
}

// client keeps no connection: a server that is stopped and started again must not be met half.
var client = &http.Client{Timeout: commandTimeout, Transport: &http.Transport{DisableKeepAlives: true}}

func (s *server) try(method, path, contentType string, body []byte) (int, []byte, http.Header, error) {
	r, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	got, err := client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	return got.StatusCode, text, got.Header, err
}

// object reads a JSON object.
func object[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// until waits for something the server does by itself.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(waitTimeout)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("after %s still not: %s", waitTimeout, what)
		}
		time.Sleep(waitStep)
	}
}

// mailServer starts a mail server and connects the place's e-mail to it; it gives a reader of what arrived.
func (p *place) mailServer(args ...string) func() []mailsink.Seen {
	p.t.Helper()
	log := filepath.Join(p.folder, "mail.jsonl")
	sink, err := process.Start(fakeMailSink, append([]string{"-log", log, "-bodies"}, args...)...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := sink.Stop(); err != nil {
			p.t.Error(err)
		}
	})
	p.settings(map[string]string{"email": "{adapter: smtp, server: \"" + sink.Line + "\", encryption: none, from: 示例钱包 <service@wallet.example>}"})
	return func() []mailsink.Seen {
		p.t.Helper()
		all, err := wirelog.Read[mailsink.Seen](log)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			p.t.Fatal(err)
		}
		return all
	}
}

// keyFor makes an API key and gives its secret.
func (p *place) keyFor(scopes string) string {
	p.t.Helper()
	return p.must("key", "create", "e2e", "--scope", scopes).last()
}

// documents is a house in which anything may be sent at any hour.
const documents = `kind: CapPolicy
name: default
purposes:
  notice: [{n: 60, per: 24h}]
  survey: [{n: 60, per: 24h}]
---
kind: RulePack
name: cn
country: CN
version: "2026-11-01"
rules:
  - {id: any-hour, basis: house, channels: [email, sms, webhook], days: all, hours: ["00:00-24:00"]}
---
kind: Questionnaire
name: how-was-it
languages: [zh-CN, en]
questions:
  - id: stars
    type: rating
    scale: 5
    score: true
    required: true
    ask: {zh-CN: "您对这次处理满意吗?", en: "Were you satisfied with how we handled it?"}
  - id: better
    type: text
    ask: {zh-CN: "哪里可以更好?", en: "What could be better?"}
    show_if: stars <= 3
thanks: {zh-CN: "谢谢。", en: "Thank you."}
---
kind: Template
name: told
channels: [email, webhook]
subject: {zh-CN: 您有一笔付款未成功, en: A payment of yours did not go through}
variants:
  - body:
      zh-CN: "您在{{ trigger.data.merchant }}的一笔付款未成功。"
      en: "Your payment to {{ trigger.data.merchant }} did not go through."
---
kind: Program
name: failed-payment
title: {zh-CN: 支付失败回访, en: Failed payment}
goal: {zh-CN: 说明情况, en: Say what happened}
trigger:
  event: wallet.payment.failed
  cancel_on: [{event: wallet.payment.succeeded, when: event.data.order_id == trigger.data.order_id}]
reentry: {key: trigger.data.order_id}
deadline: 48h
audience: {segment: everyone, sample: 1.0, hold_out: 0.0}
steps:
  - {channel: CHANNEL, purpose: notice, template: told, wait: 0s}
  - {channel: CHANNEL, purpose: survey, questionnaire: how-was-it, wait: 1h}
`

// publish applies the documents with a channel for both steps.
func (p *place) publish(channel string) {
	p.t.Helper()
	p.must("apply", "-f", p.write("house.yaml", strings.ReplaceAll(documents, "CHANNEL", channel)), "--publish")
}

// failed is a failed payment of a customer, now.
func failed(id, who string) map[string]any {
	return map[string]any{
		"specversion": "1.0", "id": id, "source": "/wallet/payments", "type": "wallet.payment.failed", "subject": who,
		"time": time.Now().UTC().Format(time.RFC3339Nano),
		"data": map[string]any{"order_id": "o-" + id, "amount_minor": 1200, "currency": "CNY", "merchant": "茶舍", "reason": "insufficient-funds", "charged": false},
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
