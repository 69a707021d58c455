// Package realinput runs the real binary over real data, from end to end.
//
// Three weeks of a bank's call centre are replayed in their own time over a real mail
// server, with and without kills; the customers answer with real reviews; a real
// campaign is imported and measured. What comes out is compared with an oracle that
// shares no code with the product, and with direct computations from the files.
//
// The data is found by HUIYIN_DATA. Without it the tests skip and say so, and fail
// where CI is set.
package realinput
