// Package outward makes an HTTP client that reaches the world outside and
// nothing inside: for addresses that people configure and that must not become
// a way into the house's own network.
//
// The address is judged when it is dialled, in the socket itself: whatever the
// name resolved to before, however the number was spelled, it is the packet's
// destination that counts. HTTPS may go to public addresses and to those that
// are allowed by name; plain HTTP to the latter alone, which is for development
// and tests. Redirects aren't followed, proxies of the environment aren't asked.
//
// It doesn't guard what an operator sets: gateways of channels, the database.
package outward
