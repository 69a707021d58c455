// Package event is what the wallet tells us: facts in the CloudEvents 1.0 form,
// the catalogue that says which facts there are, and the log that keeps them.
//
// Decode reads a request body, the Catalogue judges each event's data by the
// schema of its type, Log appends what is new in the order it was committed, and
// Intake joins the three and refuses work before it is acknowledged when the
// router is too far behind.
//
// An event is accepted, a duplicate, or rejected with a reason; a bad event
// never costs the good ones of its batch. Nothing here knows customers,
// programs or follow-ups: what an event means is decided by those who read the log.
package event
