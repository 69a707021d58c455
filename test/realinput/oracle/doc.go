// Package oracle says what should have come of a recorded stream, and judges what did.
//
// It reads the input, who was held out and what the mail server took; it shares no
// code with the product and imports nothing but the standard library. Expect lives a
// stream through one customer after another, with windows found by going forward
// minute by minute; Judge looks at the wire alone and knows nothing of what was expected.
//
// It knows programs of one kind only: one mail, some time after the trigger, inside
// hours, under one cap, with a hold-out.
package oracle
