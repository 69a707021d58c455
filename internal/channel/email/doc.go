// Package email sends mail through an SMTP server.
//
// Connections are kept, bounded and shared by all sends; each message is one
// SMTP transaction whose every step decides what may be said of it afterwards:
// before the first byte of the message nothing has happened, after it only the
// server's answer can tell, and without an answer the outcome is unknown.
//
// SMTP has no idempotency key and no way to ask what became of a message, so
// this channel declares neither. The attempt's key stands in the headers
// Message-ID and X-Huiyin-Key, where a person can find it in the server's log.
//
// Connections are set up by go-mail; messages are built and the verbs of the
// transaction spoken here, because its Client offers no moment between the
// recipient's acceptance and the message (docs/adr/0005-email-smtp.md).
package email
