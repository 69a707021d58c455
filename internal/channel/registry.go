package channel

import (
	"fmt"
	"slices"
	"sync"
)

// Registry holds the channels of one installation by the names that documents
// use: email, sms, inapp, push, im, webhook. Channels are registered by hand
// where the product is put together; a second one of the same name replaces the
// first, so that changed settings take effect without a restart.
type Registry struct {
	mu     sync.RWMutex
	byName map[string]Channel
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry { return &Registry{byName: map[string]Channel{}} }

// Register connects a channel. What its abilities claim must be there: a channel
// that declares look-up or receipts and can't do them would leave messages that
// the engine waits for and nobody ever settles.
func (r *Registry) Register(name string, c Channel) error {
	if err := check(name, c); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byName[name] = c
	return nil
}

// Get returns the channel of that name, if one is connected.
func (r *Registry) Get(name string) (Channel, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, ok := r.byName[name]
	return c, ok
}

// Names lists the connected channels in alphabetical order.
func (r *Registry) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := make([]string, 0, len(r.byName))
	for name := range r.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func check(name string, c Channel) error {
	if name == "" || c == nil {
		return fmt.Errorf("channel %q: a channel needs a name and an implementation", name)
	}
	a := c.Abilities()
	if a.InFlight < 1 || a.SendTimeout <= 0 {
		return fmt.Errorf("channel %q: declares %d sends in flight and a time-out of %v; both must be above zero", name, a.InFlight, a.SendTimeout)
	}
	if _, can := c.(LookUper); a.LookUp && !can {
		return fmt.Errorf("channel %q: declares look-up but has no LookUp method", name)
	}
	if _, can := c.(ReceiptReader); a.Receipts && !can {
		return fmt.Errorf("channel %q: declares receipts but has no ReadReceipts method", name)
	}
	return nil
}
