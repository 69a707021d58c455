// Package qr draws QR codes: black and white squares that a phone reads a link from.
//
// It takes bytes (byte mode) at error correction level M, which survives about 15 %
// of damage, in versions 1 to 10: up to 213 bytes, more than any link of ours. It
// gives the modules, an SVG or a PNG, with the quiet border readers need.
//
// It reads none, and it knows nothing of what it is given.
package qr
