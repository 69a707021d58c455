// Package reply keeps what customers write back to a message.
//
// A reply is one row, under the provider's own name for it: a second copy finds
// the first and changes nothing. The row says what the reply was taken for (a
// refusal, the end of one, an answer, words), whose it was and which follow-up it
// belongs to, and whether a refusal was confirmed, which happens at most once.
//
// The words are personal: they are erased by customer, and blanked when they have
// been kept long enough. What a reply means is not judged here; engine does.
package reply
