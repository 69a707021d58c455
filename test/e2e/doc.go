// Package e2e tries the product from outside: the real binary, real databases,
// real SMTP and HTTP gateways in processes of their own.
//
// The tests hold nothing but what a user or another system could see: what a
// command prints and returns, what the API answers, what arrives in a mailbox.
// Here is the bad input too that only a whole program can meet: a port in use, a
// full disk, a database that goes away, a signal in the middle of everything.
package e2e
