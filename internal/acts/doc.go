// Package acts is what people and other systems may do to the house from
// outside: write customers, refuse and consent, apply documents, publish and
// pause programs, start a list, import who is in which arm, settle what was set
// aside, ask whether somebody may be contacted now.
//
// The API and the command line both call it, so an act means the same on either
// way: it is judged, done and, where it is privileged, written to the audit trail
// in one transaction. What follows from an act (follow-ups woken, loops told) is
// seen to here too.
//
// It reads no requests and no files, and knows no scopes: who may do what is
// asked before.
package acts
