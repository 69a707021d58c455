package app

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"sync"

	"github.com/huiyin/huiyin/internal/engine/deliver"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/outward"
)

// networks reads the networks that endpoints may lie in although they are ours.
func (w *Webhooks) networks() ([]netip.Prefix, error) {
	all := make([]netip.Prefix, len(w.Allow))
	for i, text := range w.Allow {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, errs.New(errs.Invalid, codes.SettingInvalid, "%q is no network; write it as 127.0.0.0/8", text).At("webhooks.allow[" + strconv.Itoa(i) + "]")
		}
		all[i] = p.Masked()
	}
	return all, nil
}

// deliverer makes what tells the wallet's endpoints.
func (a *App) deliverer() error {
	allow, err := a.Config.Webhooks.networks()
	if err != nil {
		return err
	}
	var seed [16]byte
	if _, err := io.ReadFull(a.Options.Random, seed[:]); err != nil {
		return err
	}
	chance := rand.New(rand.NewPCG(binary.BigEndian.Uint64(seed[:8]), binary.BigEndian.Uint64(seed[8:])))
	var one sync.Mutex
	a.Deliverer = deliver.New(deliver.Config{
		DB: a.DB, Clock: a.Clock, Keys: a.Keys, Source: a.Config.PublicURL,
		Client: outward.Client(outward.Options{Allow: allow, KeepPerHost: deliver.EndpointInFlight}),
		Jitter: func() float64 {
			one.Lock()
			defer one.Unlock()
			return chance.Float64()
		},
		Trouble: func(doing string, err error) { a.troubles.tell(clock.System{}.Now(), "webhooks", doing, err) },
	})
	return nil
}
