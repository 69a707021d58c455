// Package api is the house over HTTP: events and customers in, documents,
// programs, reports and what was set aside.
//
// Every route is described in OpenAPI 3.1 at /openapi.json, and every route has a
// line in rights.go that says which scope its API key needs, or why it needs
// none; a route without a line stops the server from starting. Errors are problem
// details (RFC 9457) with a code for programs and a sentence for people, by one
// map from the kinds of package errs to statuses.
//
// Intake is one plain handler, for speed; all else is declared with huma. The
// package decides nothing: package acts does what is asked. What customers see
// in a browser is package pages.
package api
