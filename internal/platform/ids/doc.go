// Package ids makes identifiers.
//
// Inside, a thing is named by a 63-bit integer that grows with time: 41 bits of
// milliseconds since 1990, 8 bits of node, 14 bits of sequence. Rows inserted in
// the order of such keys lie beside each other, which is worth a factor of two
// on SQLite. Outside, where a name must not be guessed, it is 128 bits of chance
// as 26 letters and digits.
//
// The clock and the source of chance are passed in, so a simulation makes the
// same identifiers again from the same seed.
package ids
