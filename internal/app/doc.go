// Package app puts the house together and runs it: settings, database, keys,
// channels, loops, HTTP, in an order that can be read from top to bottom.
//
// New builds everything by hand; there is no container and nothing registers
// itself. Run starts the loops, each under a supervisor that says once what is
// wrong and tries again, and serves HTTP until it is told to stop: then it takes no
// more requests, records nothing new, lets the sends on the wire come to their end,
// and closes the database.
//
// It decides nothing of the domain. The command line (cmd/huiyin) uses the same
// parts without Run, beside a running server if there is one.
package app
