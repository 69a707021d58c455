// Package replay lives a recorded stream of events through again, in its own time.
//
// The clock is virtual and kept in the database: a replay that is killed goes on
// where it was. At each moment it takes in the events of that moment, lets the
// engine work until nothing is due, and goes to the next moment at which
// something happens. The channels are the real ones: what is due in the stream's
// time is sent now.
//
// It is the same router, dispatcher and folder as in the server; only the clock
// and the order of turns are its own.
package replay
