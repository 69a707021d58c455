// Package statistics says how far a number may be trusted.
//
// Shares get Wilson's score interval, a difference of two shares Newcombe's
// hybrid score interval, means Student's and Welch's, a net promoter score the
// adjusted one; a sample-ratio check tells whether the arms of a comparison have
// the sizes they were meant to have. Each doc comment names the source of its
// formula and the units.
//
// The package is pure. It knows nothing of programs, scores or money, and it
// judges nothing: what is enough data is for package report to say. Intervals
// hold for one look; whoever looks every day until something shows will see
// something sooner or later.
package statistics
