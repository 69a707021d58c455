// Package outbox keeps what the wallet's own systems are to be told, and the
// endpoints they are told at.
//
// Whoever changes a state calls Tell in the same transaction, so nothing is told
// that didn't happen and nothing that happened is forgotten. A notice names the
// customer by number alone; the wallet's id is put in when it is sent, so an
// erased customer is told of no more. It holds no names, addresses or words.
//
// Share makes a delivery of each notice for every endpoint that wants its kind;
// a delivery is waiting, then delivered, dead (tried for three days, or refused
// for good) or dropped (its customer was erased). Claim gives some to one sender
// for the time of a lease, under a fence.
//
// The package sends nothing (engine/deliver does); it signs and verifies as
// Standard Webhooks says. Secrets aren't stored: they are derived from the
// house's keys, the endpoint and the number of its rotation.
package outbox
