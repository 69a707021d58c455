// Package study compares customers who were followed up with those who were not.
//
// A member is one customer in the study of one program, in one arm, from a moment
// until the end of the window in which the measured event counts. Membership begins
// with the first trigger and never changes: whoever is held out stays so, also when
// the follow-up itself never reached anybody (everyone who was assigned is counted,
// not only those who answered). Arms randomised elsewhere are imported.
//
// The rows hold the earliest hit; the engine feeds hits from the event log with its
// own offset. What is big enough to report, and in which words, is for package report.
package study
