// Package attempt keeps the contact ledger: every attempt to reach a person, and
// the allowance that caps leave them.
//
// States move only forward, since receipts come late, twice and out of order:
// intended → unknown → accepted → delivered → seen; or withheld (the last look
// said no), rejected (the provider said no), undelivered (it said so later).
// docs/states.md draws them. An attempt is durable as intended, with its
// idempotency key, before anything can reach the wire: after a crash an intended
// attempt may have been sent, and is treated so.
//
// An allowance row holds what counts against the caps of one person, or of one
// contact point; it is locked and written in the transaction that intends.
package attempt
