// Package sms sends text messages through any HTTP gateway, told by a document how.
//
// A gateway document (kind SMSGateway) says what a request looks like and how it
// is signed, which answers mean taken, rejected, not now or not known, how receipts
// and replies come in, and what the provider can do: keys, look-up, segments. It is
// data: another provider needs no code. Documents are checked when they are read,
// and an answer counts as taken only where the document names the words for it.
// Three ready ones are embedded; secrets are filled in by settings.
//
// The package also counts segments (GSM-7 and UCS-2), knows which templates a
// provider has approved and under which code, and turns a rendered text back into
// the parameters of the approved wording. It knows nothing of customers.
package sms
