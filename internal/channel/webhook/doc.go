// Package webhook posts messages to any HTTP gateway: an SMS provider's adapter,
// a push service, a company's own message bus. It can serve any channel name.
//
// One POST per message, JSON {key, attempt, channel, to, language, purpose,
// subject, text, link, unsubscribe}, with the attempt's key in Idempotency-Key,
// a bearer token and a Standard Webhooks signature where set. The gateway answers 2xx with
// {"ref": …} or nothing; {"status":"rejected","reason":…} on 2xx is a no as well.
// Its receipts are lists of {key, ref, status, reason, at}, signed likewise.
//
// Requests go over channel.HTTPLines, which never repeats one of its own accord.
package webhook
