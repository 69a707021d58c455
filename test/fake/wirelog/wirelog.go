package wirelog

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// lineLimitBytes bounds a line when reading: a message of 16 MB, escaped.
const lineLimitBytes = 64 << 20

// Log is an open wire log. Callers that append at the same time share a write.
type Log struct {
	sync bool

	mu       sync.Mutex
	turn     *sync.Cond
	file     *os.File
	waiting  []byte // lines not yet written
	spare    []byte
	appended uint64 // lines handed in
	written  uint64 // lines in the file
	writing  bool
	err      error // the first failure; sticks
}

// Open appends to the file at path; with durable, each line is synced to the disk too.
func Open(path string, durable bool) (*Log, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the wire log: %w", err)
	}
	l := &Log{file: f, sync: durable}
	l.turn = sync.NewCond(&l.mu)
	return l, nil
}

// Append writes v as one line and returns once it is in the file.
func (l *Log) Append(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a line of the wire log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(append(l.waiting, line...), '\n')
	l.appended++
	mine := l.appended
	for l.written < mine && l.err == nil {
		if l.writing {
			l.turn.Wait()
			continue
		}
		l.writeWaiting()
	}
	return l.err
}

// writeWaiting writes all waiting lines for everyone; it is called with the lock held.
func (l *Log) writeWaiting() {
	batch, upTo := l.waiting, l.appended
	l.waiting, l.writing = l.spare[:0], true
	l.mu.Unlock()
	_, err := l.file.Write(batch)
	if err == nil && l.sync {
		err = l.file.Sync()
	}
	l.mu.Lock()
	l.spare, l.writing = batch, false
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("write the wire log: %w", err)
	}
	l.written = upTo
	l.turn.Broadcast()
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.writing {
		l.turn.Wait()
	}
	if l.err == nil {
		l.err = errors.New("the wire log is closed")
	}
	return l.file.Close()
}

// Read decodes every line of a wire log. A last line without its end is left
// out: the fake was killed in the middle of it and has not answered for it.
func Read[T any](path string) ([]T, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the wire log: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	var all []T
	r := bufio.NewReaderSize(io.LimitReader(f, 1<<40), 1<<20)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the wire log, line %d: %w", n, err)
		}
		if len(line) > lineLimitBytes {
			return nil, fmt.Errorf("read the wire log, line %d: longer than %d bytes", n, lineLimitBytes)
		}
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return nil, fmt.Errorf("read the wire log, line %d: %w", n, err)
		}
		all = append(all, v)
	}
}

// Draw picks one of the modes by their shares, always the same one for the same
// seed and words, whatever the order in which requests come in. What the shares
// leave of 1 falls to the last mode.
func Draw[M ~string](seed uint64, shares []Share[M], otherwise M, words ...string) M {
	h := fnv.New64a()
	_, _ = h.Write(strconv.AppendUint(nil, seed, 16)) // a hash never fails
	for _, w := range words {
		_, _ = h.Write([]byte{0})
		_, _ = h.Write([]byte(w))
	}
	x := float64(mix(h.Sum64())>>11) / (1 << 53)
	for _, s := range shares {
		if x < s.Of {
			return s.Mode
		}
		x -= s.Of
	}
	return otherwise
}

// mix spreads the bits of a hash whose high bits are poor for short inputs.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// Share is how often a mode is drawn, from 0 to 1.
type Share[M ~string] struct {
	Mode M
	Of   float64
}

// ParseShares reads "mode=0.1,other=0.05".
func ParseShares[M ~string](s string, known []M) ([]Share[M], error) {
	var shares []Share[M]
	total := 0.0
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, number, _ := strings.Cut(part, "=")
		of, err := strconv.ParseFloat(number, 64)
		if err != nil || !(of >= 0 && of <= 1) {
			return nil, fmt.Errorf("share %q: write it as mode=0.10, with a number from 0 to 1", part)
		}
		found := false
		for _, m := range known {
			found = found || string(m) == name
		}
		if !found {
			return nil, fmt.Errorf("share %q: there is no such mode; the modes are %v", part, known)
		}
		if total += of; total > 1+1e-9 {
			return nil, fmt.Errorf("share %q: the shares come to more than 1", part)
		}
		shares = append(shares, Share[M]{Mode: M(name), Of: of})
	}
	return shares, nil
}

// Kill ends the process whose id stands in the file, at once and without a
// chance to tidy up: what a fake does to the product right after it took something.
func Kill(pidFile string) error {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return fmt.Errorf("read whom to kill: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return fmt.Errorf("whom to kill: %q is not the id of a process", strings.TrimSpace(string(text)))
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}
	return nil
}
