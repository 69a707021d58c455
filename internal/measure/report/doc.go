// Package report says what came of a program, in figures that add up.
//
// Program gives the account of triggers and follow-ups, the funnel per step and
// channel, what was withheld and why, scores with honest intervals, and the effect
// against the hold-out. Explain tells one customer's story in one program. Recount
// scans the rows and compares them with the counters; it is for audits and rigs.
//
// Figures come from tally's counters, which are written in the transaction of what
// they count, and from the studies. Every figure carries its definition and its n;
// what there isn't enough data for is said so. A report whose identities don't hold
// is given all the same, with Balanced false and each broken identity named.
//
// The package owns no tables and changes nothing.
package report
