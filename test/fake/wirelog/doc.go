// Package wirelog is what a fake provider writes down of everything it saw.
//
// One JSON object per line, in the order in which the fake took things. A line
// is in the file (and, if asked for, on the disk) before the fake answers its
// client, so that a reader who knows of an answer finds the line. Oracles read
// nothing but these files; the product never does.
package wirelog
