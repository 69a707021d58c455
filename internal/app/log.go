package app

import (
	"io"
	"log/slog"
	"net/url"
	"sync"
	"time"
)

const (
	// troubleRepeat is how long the same trouble is not told again.
	troubleRepeat = time.Minute
	troublesMax   = 1_000
)

// Logger writes JSON lines. They hold no names, addresses, texts or personal links.
func Logger(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

// troubles says each trouble once, and again only when it lasts.
type troubles struct {
	log *slog.Logger

	mu   sync.Mutex
	told map[string]*told
}

type told struct {
	at   time.Time
	more int // times it came again without being told
}

// tell logs trouble of a part unless the same was logged a moment ago.
func (t *troubles) tell(now time.Time, part, doing string, err error) {
	key := part + "\x00" + doing
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told == nil || len(t.told) > troublesMax {
		t.told = map[string]*told{}
	}
	before := t.told[key]
	if before != nil && now.Sub(before.at) < troubleRepeat {
		before.more++
		return
	}
	more := 0
	if before != nil {
		more = before.more
	}
	t.told[key] = &told{at: now}
	t.log.Error("trouble; it is tried again", "part", part, "doing", doing, "error", err, "times_before", more)
}

// over says that a part works again, if it had told of trouble.
func (t *troubles) over(part, doing string) {
	key := part + "\x00" + doing
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := t.told[key]; b != nil {
		delete(t.told, key)
		t.log.Info("works again", "part", part, "doing", doing, "times_failed", b.more+1)
	}
}

// withoutPassword is an address of a database fit to be shown.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	return u.Redacted()
}
