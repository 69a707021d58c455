// Package suspicion keeps what anybody reports of messages that claim to be from
// the wallet and may not be.
//
// Whoever reports is nobody to us: no customer is asked for or kept, and nothing
// is confirmed or denied in answer. How much is kept a day and for how long is
// bounded. Texts are as they were written; staff read them.
package suspicion
