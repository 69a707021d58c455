// Package demo is a wallet to try the product on: sample documents, a few dozen
// simulated customers, a mail server whose messages one can read in the browser,
// and plain pages that make an event happen and show what came of it.
//
// Everything between the event and the mail is the product itself: its intake,
// engine, channels and pages. Only the wallet, the customers and the mailbox are
// simulated, and the demo's own rule pack allows mail at any hour, so that a
// newcomer needn't wait until eight in the morning.
package demo
