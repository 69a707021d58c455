// Package segment says who belongs to which part of the customers, and who is
// drawn by lot.
//
// A segment is a named condition over a customer's facts, judged anew whenever
// somebody asks; nobody is ever entered into a list. `everyone` is built in.
//
// Drawing lots (samples and hold-outs) is a pure function of a salt and the
// wallet's id of the customer: the same customer gets the same lot in the same
// program for ever, on every node, and lots of two programs are independent.
package segment
