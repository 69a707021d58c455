// Package rules reads the documents that say when customers may be contacted:
// rule packs (dated, sourced rules and the calendar of one country) and cap
// policies (the house's own caps), and compiles them into policy.Rules.
//
// Every rule says whether it is law, with source and the day it was read, or a
// default of the house. Each holds by itself: two rules for one channel narrow
// each other, and alternatives stand as windows inside one rule. The packs that
// ship are China, the United States and a strict default for every other
// country; a document of the same name takes the place of a shipped one.
//
// The package judges nothing: who may be contacted now is decide/policy's
// answer. It holds no SQL; documents are kept by program/program.
package rules
