// Package webhook posts messages to any HTTP gateway: an SMS provider's adapter,
// a push service, a company's own message bus. It can serve any channel name.
//
// One POST per message, JSON {key, attempt, channel, to, language, purpose,
// subject, text, link, unsubscribe}, with the attempt's key in Idempotency-Key,
// a bearer token and a Standard Webhooks signature where set. The gateway answers 2xx with
// {"ref": …} or nothing; {"status":"rejected","reason":…} on 2xx is a no as well.
// Its receipts are lists of {key, ref, status, reason, at}, signed likewise.
//
// The request is written by this package on connections of its own rather than
// by net/http's client: that one repeats a POST with an Idempotency-Key by itself
// when a kept connection breaks, whether or not the provider honours the key, and
// offers no moment between the connection and the first byte at which to stop.
// There are no proxies, redirects or HTTP/2 here for the same reason.
package webhook
