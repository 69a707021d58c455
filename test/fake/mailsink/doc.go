// Package mailsink is a mail server that delivers nothing and writes down everything.
//
// It speaks real SMTP (with STARTTLS and AUTH if asked to) and misbehaves on
// demand: refuses an address for now or for good, takes a message and never
// says so, drops the connection instead of answering, kills the sender right
// after taking its message. What it saw stands in a wire log. Tests run it in
// their own process (Start) or as a process of its own (fakemailsink).
//
// It is not a mail server: messages are read for a few headers and thrown away.
package mailsink
