// Package oracle judges a simulated run by what reached people, and by nothing
// that the product says of itself.
//
// It reads the wire logs of the providers and the true story of each customer: where
// they were, what they refused and when that was durable, in which arm they are. It
// shares no code with what it judges: time is judged minute by minute on the
// standard library's zones, caps are counted again from the log, lots are drawn again
// from their definition. A test holds its imports to the standard library.
//
// It has no opinion on what should have been sent, only on what must not have been;
// that nothing is forgotten shows in the accounts, which it compares as plain numbers.
package oracle
