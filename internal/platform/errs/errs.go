package errs

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of trouble an error is; the API maps each kind to one HTTP status.
type Kind string

// The kinds, from the caller's fault to ours.
const (
	Invalid      Kind = "invalid"      // the request can't be right as it stands
	NotFound     Kind = "not-found"    // there is no such thing
	Conflict     Kind = "conflict"     // the thing is in a state that forbids this
	Unauthorized Kind = "unauthorized" // we don't know who asks
	Forbidden    Kind = "forbidden"    // we know, and they may not
	TooLarge     Kind = "too-large"    // beyond a stated bound
	Busy         Kind = "busy"         // come back after RetryAfter
	Unavailable  Kind = "unavailable"  // a part we need is down
	Internal     Kind = "internal"     // our fault
)

// Error is an error with a sentence for people.
type Error struct {
	Kind       Kind
	Code       string        // kebab-case, stable, for programs
	Text       string        // what is wrong and how to mend it, for people
	Path       string        // where: steps[2].when, line 14, events[3].time
	RetryAfter time.Duration // Busy and Unavailable: when to come back
	Err        error         // the cause, for engineers
}

// New makes an Error; format and a build its sentence.
func New(k Kind, code, format string, a ...any) *Error {
	return &Error{Kind: k, Code: code, Text: fmt.Sprintf(format, a...)}
}

// At returns a copy that names the place; a place already there is put behind it.
func (e *Error) At(path string) *Error {
	c := *e
	switch {
	case c.Path == "":
		c.Path = path
	case path != "":
		c.Path = path + "." + c.Path
	}
	return &c
}

// Because returns a copy that carries its cause.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// After returns a copy that says when to come back.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

func (e *Error) Error() string {
	s := e.Text
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	if e.Err != nil {
		s += " (" + e.Err.Error() + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of the first Error in err's chain, and Internal for any other error.
func KindOf(err error) Kind {
	if e, ok := As(err); ok {
		return e.Kind
	}
	return Internal
}

// CodeOf gives the code of the first Error in err's chain, and "internal" for any other error.
func CodeOf(err error) string {
	if e, ok := As(err); ok {
		return e.Code
	}
	return string(Internal)
}

// As finds the first Error in err's chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
