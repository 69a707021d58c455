// Package customer is who the wallet's customers are and what events have told
// us of them.
//
// A customer is known by the wallet's own id, the ref. One met in an event
// before the wallet told us more is a stub (Known false) that is filled in when
// the record arrives. Contact points are kept in one spelling, and each has a
// keyed hash of it, so that two customers who share a phone share its key and
// nobody can read the phone from the key.
//
// Facts are counts, sums and last times per event type over the last 400 days,
// always by the event's own day, so that late events land where they belong.
//
// Consents and refusals are package consent's; what a fact means for a program
// is for the conditions.
package customer
