// Package gateway is an HTTP message provider that delivers nothing and writes
// down everything.
//
// It takes what channel/webhook posts, honours idempotency keys for a window,
// can be asked what became of a key, sends receipts, and misbehaves on demand:
// takes a message and never says so, fails after taking it, refuses, is slow,
// drops connections, sends receipts twice or out of order, kills the sender
// right after taking its message. What it saw stands in a wire log. Tests run
// it in their own process (Start) or as a process of its own (fakegateway).
package gateway
