// Package channel is the one shape every way of reaching a customer has.
//
// A channel takes a finished message and says what came of it: OK, Rejected
// (for good, or try again later), Withheld (the last look said no, and nothing
// went out) or Unknown (it may or may not have arrived, and nobody may guess).
// What a channel can do beyond sending, it declares as Abilities or offers as a
// small optional interface: LookUper, ReceiptReader.
//
// A channel knows nothing of programs, policies or customers, keeps no state
// about messages, and never sends one twice of its own accord: whether to ask
// again is decided by the engine from the declared abilities. Pool keeps the
// connections of those channels that have any. The suite that every channel
// must pass is in channeltest.
package channel
