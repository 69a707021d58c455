// Package tally counts.
//
// Whoever changes a state adds to a Batch and flushes it in the same
// transaction, so a count can't drift from what it counts. The deltas are
// appended, since rows that everyone updates would make writers wait for each
// other; Fold gathers them into one row per counter later. Sum reads both, so a
// report is exact at any moment.
package tally
