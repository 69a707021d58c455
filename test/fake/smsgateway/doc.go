// Package smsgateway is an SMS provider that speaks three real shapes on the wire:
// a Chinese cloud's signed form, Twilio's, and plain JSON.
//
// It checks signatures by its own reading of each protocol, treats messages in
// any of its modes (taken and never answered, answered with a page, an error
// inside a 200 …), writes down what it saw, and posts receipts and replies,
// signed as each shape signs, some of them twice if told to.
package smsgateway
