package crypt

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	fileHeader   = "huiyin-keys-1 "
	wrappingLine = "kek " // kek NUMBER KEY
	fileMode     = 0o600
	lockSuffix   = ".lock"
	numberMax    = 1_000_000 // of a wrapping key
)

// keyFile is what a key file holds: the master key in its first line, then the keys that
// wrap the vault's, the newest last.
type keyFile struct {
	master   []byte
	wrapping map[int][]byte
}

// add makes a new wrapping key of this number.
func (f *keyFile) add(number int) error {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	f.wrapping[number] = key
	return nil
}

func (f *keyFile) text() string {
	var b strings.Builder
	b.WriteString(fileHeader + base64.StdEncoding.EncodeToString(f.master) + "\n")
	numbers := make([]int, 0, len(f.wrapping))
	for n := range f.wrapping {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		fmt.Fprintf(&b, "%s%d %s\n", wrappingLine, n, base64.StdEncoding.EncodeToString(f.wrapping[n]))
	}
	return b.String()
}

// parse reads a key file's text.
func parse(text string) (*keyFile, bool) {
	f := &keyFile{wrapping: map[int][]byte{}}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		line = strings.TrimSpace(line)
		if i == 0 {
			rest, ours := strings.CutPrefix(line, strings.TrimSpace(fileHeader))
			key, whole := keyOf(rest)
			if !ours || !whole {
				return nil, false
			}
			f.master = key
			continue
		}
		rest, ours := strings.CutPrefix(line, wrappingLine)
		number, spelled, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(number)
		key, whole := keyOf(spelled)
		if !ours || err != nil || n < 1 || n > numberMax || !whole || f.wrapping[n] != nil {
			return nil, false
		}
		f.wrapping[n] = key
	}
	return f, f.master != nil
}

func keyOf(spelled string) ([]byte, bool) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(spelled))
	return key, err == nil && len(key) == keyBytes
}

func readFile(path string) (*keyFile, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	f, ok := parse(string(b))
	if !ok {
		return nil, errs.New(errs.Invalid, "key-file-broken",
			"the key file %s is not one of ours or is damaged; put the right one back from your backup, a new one would make every link already sent worthless", path)
	}
	return f, nil
}

// create writes a new key file in one step, so a crash leaves either none or a whole one,
// and two servers that start together agree on the first.
func create(path string) error {
	f := &keyFile{master: make([]byte, keyBytes), wrapping: map[int][]byte{}}
	if _, err := rand.Read(f.master); err != nil {
		return err
	}
	if err := f.add(1); err != nil {
		return err
	}
	tmp, err := writeBeside(path, f)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp) }()
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// writeBeside writes a whole, durable file in the same folder.
func writeBeside(path string, f *keyFile) (string, error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keys-*")
	if err != nil {
		return "", err
	}
	_, err = tmp.WriteString(f.text())
	if err = errors.Join(err, tmp.Chmod(fileMode), tmp.Sync(), tmp.Close()); err != nil {
		return "", errors.Join(err, os.Remove(tmp.Name()))
	}
	return tmp.Name(), nil
}

// change rewrites the key file in one step; those who change it at the same time do it one after another.
func change(path string, how func(*keyFile) error) (f *keyFile, err error) {
	lock, err := os.OpenFile(path+lockSuffix, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, fmt.Errorf("lock the key file: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }() // and with it the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock the key file %s: %w", path, err)
	}
	if f, err = readFile(path); err != nil {
		return nil, err
	}
	before := f.text()
	if err := how(f); err != nil || f.text() == before {
		return f, err
	}
	tmp, err := writeBeside(path, f)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(tmp, path); err != nil {
		return nil, errors.Join(err, os.Remove(tmp))
	}
	return f, syncFolder(filepath.Dir(path))
}

// syncFolder makes a renaming durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
