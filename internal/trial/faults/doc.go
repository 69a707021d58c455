// Package faults holds faults that could have been ours, and a test that plants them
// one by one: each must be found by the trial's oracle within its seconds.
//
// A fault is a change of a few lines of the product's source, laid over it when the
// trial's tests are compiled (go test -overlay); the source itself is not touched, and
// the product has no switch for being broken. A change whose old text isn't found
// exactly once fails the test, so the list can't fall behind the code.
package faults
