// Package engine runs the loops that carry a wallet's event to a follow-up, a
// follow-up to a contact, and a count to its place.
//
// Each loop is a Turner: one bounded step, then when to come back. Nothing here
// sleeps, starts goroutines or reads the machine's clock, so a simulation may
// interleave the turns of many nodes in virtual time, and a node may stop after
// any of them: what a turn did is in one transaction with the place it got to.
//
// Router: event log → customers' facts, follow-ups started, merged or cancelled.
// Folder: deltas → counters, events → studies. Keeper: what has outlived its use.
// The dispatcher takes due follow-ups to the channels.
//
// The package decides nothing about contact (decide/policy does) and owns no
// words of the domain; it only puts the rooms' parts in order.
package engine
