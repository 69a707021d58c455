// Package trial runs the engine in a world of its own: generated customers, fake
// providers, virtual time, a database in memory and faults drawn from a seed.
//
// Router, dispatcher, folder, intake, answers and stores are the ones that serve
// customers; only what lies outside of them is made up. Several nodes share the
// database. Each movement of a node is a task that rests at every point where it
// meets the database or a provider; one goroutine picks whose turn it is, so a run is
// repeated to the last step by its seed. Nodes crash and freeze at such points,
// providers answer and accept as they please, customers refuse, move and answer.
//
// What reached whom is in the providers' logs; package oracle judges it. The trial
// itself decides nothing about contacts.
package trial
