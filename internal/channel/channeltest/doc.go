// Package channeltest is the suite that every channel must pass.
//
// A channel's test builds a Rig (the channel, connected to a fake provider that
// can misbehave and that writes down what it saw) and calls Conformance. The
// suite compares what the channel says of each message with what the provider
// really took: a message that was taken is never called rejected, one that was
// withheld never left, one that is called OK arrived once.
package channeltest
