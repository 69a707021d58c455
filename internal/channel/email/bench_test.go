package email

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/test/fake/mailsink"
	"github.com/huiyin/huiyin/test/fake/process"
)

// surveyLetter is a mail as programs send it: Chinese text, an HTML part of 5 KB, a link, one-click refusal.
func surveyLetter() channel.Message {
	m := letterTo("customer-000000@example.com")
	m.Unsubscribe = "https://wallet.example/u/3fk2m5t7q8r9a1b2c3d4e5f6g7"
	m.HTML = "<!doctype html><html lang=zh-CN><body>" + strings.Repeat("<p style=\"margin:0 0 1em\">您的意见会直接交给负责的同事处理。 Thank you.</p>\n", 50) + "</body></html>"
	return m
}

func yes(context.Context) error { return nil }

// BenchmarkSend has sender and sink in one process; cpu-µs/msg is of both. The
// sender's own share is measured with the sink as a process of its own (BenchmarkSendToProcess).
func BenchmarkSend(b *testing.B) {
	for _, html := range []bool{false, true} {
		for _, inFlight := range []int{1, 8, 16} {
			b.Run("html="+strconv.FormatBool(html)+"/connections="+strconv.Itoa(inFlight), func(b *testing.B) {
				c, sink := connect(b, mailsink.Options{Log: filepath.Join(b.TempDir(), "wire.jsonl")}, Settings{InFlight: inFlight})
				measureSends(b, c, html, inFlight)
				if got := sink.Taken(); got < int64(b.N) {
					b.Fatalf("the sink took %d of %d messages", got, b.N)
				}
			})
		}
	}
}

func measureSends(b *testing.B, c channel.Channel, html bool, inFlight int) {
	m := surveyLetter()
	if !html {
		m.HTML = ""
	}
	numbers := make(chan int, inFlight)
	var all sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime(b)
	for range inFlight {
		all.Go(func() {
			for n := range numbers {
				mine := m
				mine.Key = "bench-" + strconv.Itoa(n)
				if o := c.Send(b.Context(), mine, yes); o.Result != channel.OK {
					b.Errorf("%+v", o)
				}
			}
		})
	}
	for n := range b.N {
		numbers <- n
	}
	close(numbers)
	all.Wait()
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/msg")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// cpuTime is what this process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkCompose(b *testing.B) {
	c, err := New(Settings{Server: "127.0.0.1:25", From: "示例钱包 <care@wallet.example>"}, clock.NewVirtual(someDay))
	if err != nil {
		b.Fatal(err)
	}
	for _, html := range []bool{false, true} {
		b.Run("html="+strconv.FormatBool(html), func(b *testing.B) {
			m := surveyLetter()
			if !html {
				m.HTML = ""
			}
			var l letter
			b.ReportAllocs()
			for b.Loop() {
				if err := c.compose(&l, &m); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(l.wire.Len()), "bytes")
		})
	}
}

// BenchmarkSendToProcess counts only the sender's CPU time.
func BenchmarkSendToProcess(b *testing.B) {
	binary, err := process.Build(b.TempDir(), "./test/fake/mailsink/fakemailsink")
	if err != nil {
		b.Fatal(err)
	}
	for _, html := range []bool{false, true} {
		b.Run("html="+strconv.FormatBool(html), func(b *testing.B) {
			sink, err := process.Start(binary, "-log", filepath.Join(b.TempDir(), "wire.jsonl"))
			if err != nil {
				b.Fatal(err)
			}
			c, err := New(Settings{Server: sink.Line, Encryption: Plain, From: "care@wallet.example", InFlight: 16}, clock.NewVirtual(someDay))
			if err != nil {
				b.Fatal(err)
			}
			measureSends(b, c, html, 16)
			b.StopTimer()
			c.Close()
			if err := sink.Stop(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(sink.CPU().Microseconds())/float64(b.N), "sink-cpu-µs/msg")
		})
	}
}
