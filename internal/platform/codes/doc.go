// Package codes is the one registry of every short code Huiyin shows, stores
// or answers with: why a contact was withheld, how an attempt or a follow-up
// ended, what was wrong with a request, what an API key may do.
//
// A code is a kebab-case word that never changes its meaning once released:
// it is stored in rows, counted in reports and read by other people's
// programs. Its sentence, in Chinese and English, is for people and may be
// reworded at any time.
//
// The table is append-only and stands in one file per section; add a constant
// and its entry together, at the end of the section it belongs to. The package
// decides nothing and formats nothing: a sentence has no blanks to fill. What
// is particular to one case (the hour a window opens, the row of a file) goes
// into the text of an errs.Error or the detail of an outcome.
package codes
