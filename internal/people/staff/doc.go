// Package staff is who may use the API: keys, what each may do and how long.
//
// A key is shown once, when it is made; the database holds its SHA-256 alone,
// which is enough since a key is 128 bits of chance. It ends in a checksum, so a
// mistyped key is told apart without asking the database and scanners can find
// keys that leaked. A key that is revoked stops at once on the node that revoked
// it and within five seconds on the others.
//
// People who sign in, and their roles, will live here too.
package staff
