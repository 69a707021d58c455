// Package bench measures what the product costs beside the machine's best.
//
// Every figure stands next to its limit, measured in the same run and in turns
// with it, since machines are noisy: the product does a round, then the limit
// does the same work, and so on. Where the limit is the database, it is the very
// statements the product issued, written down while it ran and issued again on a
// twin of the database by the driver alone.
//
// A bench works in databases of its own beside the one it is given, and removes
// them; it never touches what is there.
package bench
