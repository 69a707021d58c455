// Package program keeps the house's documents and makes programs of them.
//
// Apply takes documents in as drafts: each change of meaning is a new version.
// Publish compiles a program with the newest versions of what it refers to and
// pins them, so that a follow-up ends under the words and rules it began with.
// A Set is all that is published, compiled, as of one revision; the engine asks
// it and nothing else, and loads it anew when the revision moves.
//
//	draft → running ⇄ paused → stopped
//
// A program that could never start before its deadline, or that no rule would
// ever allow, is refused here. The package starts no follow-up and sends nothing.
package program
