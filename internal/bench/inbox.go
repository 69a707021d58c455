package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/inapp"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

const inboxLane = "inapp"

// RunInbox measures in-app cards from due follow-ups to durable cards, a row and a state for
// each, against the same inbox fed with finished messages.
func RunInbox(ctx context.Context, address string, size Send, random io.Reader) (r Result, err error) {
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
	if err := seedDue(ctx, ours, vaultAt, inboxLane, size.Messages, random); err != nil {
		return r, err
	}
	var product, raw spent
	engineName, err := withInbox(ctx, ours, vaultAt, size, random, func(d *db.DB, v *vault.Vault, box *inapp.Channel) error {
		node, err := benchDispatcher(d, v, random)
		if err != nil {
			return err
		}
		if err := node.Channels.Register(inboxLane, box); err != nil {
			return err
		}
		return product.measure(func() (int64, error) { return runLane(ctx, node, inboxLane, int64(size.Messages), size.Budget) })
	})
	if err != nil {
		return r, err
	}
	limit, err := place.fresh(ctx)
	if err != nil {
		return r, err
	}
	if _, err := withInbox(ctx, limit, vaultAt, size, random, func(_ *db.DB, v *vault.Vault, box *inapp.Channel) error {
		key, err := v.Take(ctx)
		if err != nil {
			return err
		}
		return raw.measure(func() (int64, error) { return fillInbox(ctx, box, key, product.n, size.Connections) })
	}); err != nil {
		return r, err
	}
	return compare("send", "the same inbox, messages ready, no follow-ups", product, raw, map[string]any{
		"channel": inboxLane, "messages": product.n, "connections": size.Connections, "engine": engineName,
		"cpu_ms_per_message": round(product.cpuUsPerOp() / 1000), "peak_mb": peakMB(),
	}), nil
}

// withInbox opens a database with its vault and its inbox.
func withInbox(ctx context.Context, address, vaultAt string, size Send, random io.Reader, fn func(*db.DB, *vault.Vault, *inapp.Channel) error) (engineName string, err error) {
	now := clock.NewVirtual(dispatchNoon)
	d, err := db.Open(ctx, address, db.Options{Clock: now})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	v, err := openVault(ctx, vaultAt, random)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	box, err := inapp.New(inapp.Settings{InFlight: size.Connections}, &inapp.Inbox{DB: d, Sealer: v}, v, ids.New(clock.System{}, 4, random), now, inapp.NewBell())
	if err != nil {
		return "", err
	}
	return d.Engine().String(), fn(d, v, box)
}

// fillInbox puts n finished cards into the inboxes of n customers.
func fillInbox(ctx context.Context, box *inapp.Channel, key, n int64, at int) (int64, error) {
	yes := func(context.Context) error { return nil }
	numbers, failed := make(chan int64, at), make(chan channel.Outcome, at)
	var all sync.WaitGroup
	for range at {
		all.Go(func() {
			for i := range numbers {
				o := box.Send(ctx, channel.Message{
					Key: fmt.Sprint("bench-", i), Attempt: i, Customer: i, SealKey: key, Language: "zh-CN", Purpose: policy.Notice, Subject: "想听听您的感受",
					Text: "尊敬的王**:感谢您的使用。想请您花一分钟说说这次的感受。我们不会向您索要验证码和密码。",
				}, yes)
				if o.Result != channel.OK {
					select {
					case failed <- o:
					default:
					}
				}
			}
		})
	}
	for i := range n {
		numbers <- i + 1
	}
	close(numbers)
	all.Wait()
	select {
	case o := <-failed:
		return 0, fmt.Errorf("the limit's own card came to %s: %s", o.Result, o.Detail)
	default:
		return n, nil
	}
}
