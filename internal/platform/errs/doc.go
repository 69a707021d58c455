// Package errs is the one error type that reaches people.
//
// An Error has a kind (what sort of trouble, mapped once to an HTTP status), a
// code (a stable word for programs), a sentence for people that says what is
// wrong and how to mend it, and the place where it was found. Errors of the
// machinery (a closed socket, a syntax error in SQL) stay ordinary Go errors
// and count as Internal.
//
// It is not a logger: an error is either handled, or returned, never both.
package errs
