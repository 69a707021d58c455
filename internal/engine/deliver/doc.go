// Package deliver sends what the outbox holds to the wallet's endpoints, signed as
// Standard Webhooks says, with a body like a CloudEvent's.
//
// Begin shares new notices among the endpoints and claims what is due, in one
// transaction, under a lease. Send posts one, outside of any transaction. Conclude
// keeps what came of it. A node that dies in between has told once or not at all;
// when the lease ends it is told again under the same id: at least once, in no
// promised order.
//
// Only 2xx is success. Anything else is tried again, ten times in about three days,
// then the delivery is dead, and visible. 410 disables the endpoint; 429 and 503
// with Retry-After leave it alone for so long. Each endpoint has sends in flight of
// its own, so one that is slow holds up nobody else.
//
// Turn does it in one goroutine, for simulations and tests; Run in real time.
package deliver
