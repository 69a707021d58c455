package replay

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sort"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	eventsMax    = 5_000_000 // held in memory, sorted
	lineBytesMax = 256 << 10
	anyAge       = 100 * 365 * 24 * time.Hour
)

// middle and anyAge around it hold every time a stream may tell of.
var middle = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Refused is a line that is no event.
type Refused struct {
	Line int
	Err  *errs.Error
}

// Read reads events, one CloudEvent in JSON per line, and sorts them by their own
// time. A broken line costs only itself.
func Read(r io.Reader) (events []event.Event, refused []Refused, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), lineBytesMax)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if len(events) >= eventsMax {
			return nil, nil, errs.New(errs.TooLarge, "file-too-large", "a replay holds %d events at most; cut the file into pieces and replay them one after another", eventsMax)
		}
		// Decoded events point into the line, which the scanner uses again.
		e, err := decode(bytes.Clone(line))
		if err != nil {
			refused = append(refused, Refused{n, err})
			continue
		}
		events = append(events, e)
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, nil, errs.New(errs.TooLarge, "file-too-large", "a line is longer than %d KB; one event stands on one line", lineBytesMax>>10)
		}
		return nil, nil, err
	}
	sort.SliceStable(events, func(i, j int) bool { return events[i].At.Before(events[j].At) })
	return events, refused, nil
}

// decode reads one event whatever its age: it will come in when it happened.
func decode(line []byte) (event.Event, *errs.Error) {
	i := event.DecodeOne(line, event.Limits{Now: middle, Past: anyAge, Ahead: anyAge})
	return i.Event, i.Err
}
