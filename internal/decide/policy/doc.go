// Package policy answers one question: may this customer be contacted on this
// channel for this purpose now, and if not, when? Decide is a function of
// (facts, now) alone: allow, defer until, or deny, always with a reason.
//
// Refusals and consent come first; then every instant must satisfy, at once,
// the windows of law and house in every candidate zone of the customer, the
// customer's own hours, the gap after the last try and the caps. What the
// program prefers is asked for last and yields when it cannot be had before
// the deadline. Among several rules the stricter holds, because all must hold.
//
// Hours are wall-clock hours of a zone: in an hour that the clocks skip nothing
// opens, in an hour that runs twice both are open. The whole ring time of a
// call must lie inside. Every local day is exactly one of workday, weekend or
// holiday, by the dated calendar of the customer's country.
//
// The package holds no documents (program/rules reads those), no SQL and no
// clock. The one thing it reads is the zone database, once per zone, as the
// constant it is for the life of a process.
package policy
