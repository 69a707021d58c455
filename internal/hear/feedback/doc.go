// Package feedback keeps what customers say unasked: in the app at any time, though no
// questionnaire is due.
//
// One piece of feedback is a text, a score or both, perhaps with a topic the app offered. It
// is durable before it is thanked. The app gives each piece a name of its own; said twice
// under one name, it is kept once.
//
// It is not an answer: it ends no follow-up and counts in no program's scores. Texts lie as
// they were said, are kept by rule and erased by row.
package feedback
