// Package followup keeps the follow-ups: one customer in one program, from the
// trigger to exactly one final state. The row is also the job: when it is due,
// for which channel (lane), under which fence (epoch).
//
// States: waiting ⇄ contacting ⇄ set_aside → answered · told · unanswered ·
// unreachable · declined · cancelled · suppressed · expired · held_out. An answer
// that comes after the end, while its link is valid, still turns the final
// state into answered. docs/states.md draws it.
//
// Every change of state counts itself in the same transaction. The package
// decides nothing about contact: the engine asks policy and says here what came
// of it.
package followup
