package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/email"
	"github.com/huiyin/huiyin/internal/channel/sms"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// Send is the size of a bench of messages.
type Send struct {
	Channel     string // email or sms
	Messages    int
	Connections int
	Budget      time.Duration // of wall time for each of product and limit
}

// SendDefault ends within 40 s on two cores.
var SendDefault = Send{Channel: "email", Messages: 50_000, Connections: 32, Budget: 17 * time.Second}

// RunSend measures messages from due follow-ups to a mail server or SMS gateway on this
// machine, a row and a state for each, against the same channel fed with finished messages
// and no database. sink is the command that runs StartSink for the channel in a process of
// its own and prints its address.
func RunSend(ctx context.Context, address string, sink []string, size Send, random io.Reader) (r Result, err error) {
	place, err := newScratch(address, random)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, place.remove()) }()
	ours, err := place.fresh(ctx)
	if err != nil {
		return r, err
	}
	vaultAt, err := place.empty(ctx)
	if err != nil {
		return r, err
	}
	if err := seedDue(ctx, ours, vaultAt, size.Channel, size.Messages, random); err != nil {
		return r, err
	}
	provider, stop, err := startProcess(ctx, sink)
	if err != nil {
		return r, err
	}
	defer stop()
	carrier := func() (carrier, error) { return newCarrier(size, provider, random) }
	product, engineName, err := sendProduct(ctx, ours, vaultAt, carrier, size, random)
	if err != nil {
		return r, err
	}
	raw, err := sendRaw(ctx, carrier, size, product.n)
	if err != nil {
		return r, err
	}
	return compare("send", "the same channel and server, messages ready, no database", product, raw, map[string]any{
		"channel": size.Channel, "messages": product.n, "connections": size.Connections, "engine": engineName,
		"cpu_ms_per_message": round(product.cpuUsPerOp() / 1000), "peak_mb": peakMB(),
	}), nil
}

// sendProduct runs the mail lane as the server does until nothing is due.
func sendProduct(ctx context.Context, address, vaultAt string, newCarrier func() (carrier, error), size Send, random io.Reader) (s spent, engineName string, err error) {
	d, err := db.Open(ctx, address, db.Options{Clock: clock.NewVirtual(dispatchNoon)})
	if err != nil {
		return s, "", err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	v, err := openVault(ctx, vaultAt, random)
	if err != nil {
		return s, "", err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	node, err := benchDispatcher(d, v, random)
	if err != nil {
		return s, "", err
	}
	wire, err := newCarrier()
	if err != nil {
		return s, "", err
	}
	defer wire.Close()
	if err := node.Channels.Register(size.Channel, wire); err != nil {
		return s, "", err
	}
	return s, d.Engine().String(), s.measure(func() (int64, error) { return runLane(ctx, node, size.Channel, int64(size.Messages), size.Budget) })
}

func runLane(ctx context.Context, node *engine.Dispatcher, name string, want int64, budget time.Duration) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	var mu sync.Mutex
	var trouble error
	lane := engine.NewLane(node, name, func(_, doing string, err error) {
		mu.Lock()
		defer mu.Unlock()
		trouble = errors.Join(trouble, fmt.Errorf("%s: %w", doing, err))
		cancel()
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		lane.Run(ctx)
	}()
	for ctx.Err() == nil && lane.Sent() < want {
		clock.Sleep(ctx, 5*time.Millisecond)
	}
	cancel()
	<-done
	mu.Lock()
	defer mu.Unlock()
	return lane.Sent(), trouble
}

// sendRaw feeds the channel with a finished message, again and again.
func sendRaw(ctx context.Context, newCarrier func() (carrier, error), size Send, n int64) (s spent, err error) {
	wire, err := newCarrier()
	if err != nil {
		return s, err
	}
	defer wire.Close()
	to := "customer@example.com"
	if size.Channel == "sms" {
		to = "+8613800000000"
	}
	m := channel.Message{
		To: to, Language: "zh-CN", Purpose: policy.Notice, Subject: "想听听您的感受",
		Text: "尊敬的王**:感谢您的使用。想请您花一分钟说说这次的感受:https://wallet.example/q/abcdefghijklmnopqrstuvwxyz 我们不会向您索要验证码和密码。",
	}
	yes := func(context.Context) error { return nil }
	numbers := make(chan int64, size.Connections)
	failed := make(chan channel.Outcome, size.Connections)
	return s, s.measure(func() (int64, error) {
		var all sync.WaitGroup
		for range size.Connections {
			all.Go(func() {
				for i := range numbers {
					mine := m
					mine.Key = fmt.Sprint("bench-", i)
					if o := wire.Send(ctx, mine, yes); o.Result != channel.OK {
						select {
						case failed <- o:
						default:
						}
					}
				}
			})
		}
		for i := range n {
			numbers <- i
		}
		close(numbers)
		all.Wait()
		select {
		case o := <-failed:
			return 0, fmt.Errorf("the limit's own send came to %s: %s", o.Result, o.Detail)
		default:
			return n, nil
		}
	})
}

// carrier is a channel that is closed afterwards.
type carrier interface {
	channel.Channel
	Close()
}

func newCarrier(size Send, provider string, random io.Reader) (carrier, error) {
	if size.Channel == "email" {
		return email.New(email.Settings{Server: provider, Encryption: email.Plain, From: "示例钱包 <service@wallet.example>", InFlight: size.Connections}, clock.System{})
	}
	gateway, ok := sms.Named("plain")
	if !ok {
		return nil, errors.New("the plain gateway's document is broken")
	}
	return sms.New(sms.Settings{
		Gateway: gateway, Values: map[string]string{"endpoint": "http://" + provider, "token": "bench", "callback_secret": "bench"},
		InFlight: size.Connections, Clock: clock.System{}, Random: random,
	})
}

// startProcess runs a command that prints an address on its first line.
func startProcess(ctx context.Context, command []string) (address string, stop func(), err error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("the sink didn't say where it listens: %w", err)
	}
	return strings.TrimSpace(line), stop, nil
}

// peakMB is the most memory this process has had.
func peakMB() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss / 1024
}
