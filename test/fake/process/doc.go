// Package process runs the fakes as processes of their own.
//
// Build compiles a command once; Start runs it and waits for the one line in
// which it says where it listens. A fake in its own process survives the kills
// that tests deal out to the product, and its CPU time isn't counted as ours.
package process
