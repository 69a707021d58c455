// Package condition compiles and runs the conditions people write in documents.
//
// Conditions are CEL expressions typed from the event catalogue: an unknown
// field, a text compared with a number or a condition that could run long is
// refused when it is compiled, with the place and the way to mend it. What a
// condition may speak of depends on its Place.
//
// What isn't known counts as not holding: if an optional field is absent, or a
// question unanswered, a condition that needs it doesn't match; has(field) asks
// whether it is there. Matching does no I/O; facts of the customer come through
// CustomerView, which is asked with the windows as written.
//
// The package knows nothing of programs, and keeps no segments: in_segment asks
// the view, and Segments lists the names asked for.
package condition
