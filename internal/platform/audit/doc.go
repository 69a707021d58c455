// Package audit keeps the trail of privileged acts: who did what to which thing.
//
// Each entry carries a hash over itself and the entry before it, so an entry
// changed, removed, added or moved later is found by Verify. Cutting the newest
// entries off is found only against a head written down elsewhere: Head gives it.
//
// It is not a log of what the engine does: that is in decisions and attempts.
package audit
