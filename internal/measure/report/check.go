package report

import (
	"fmt"
	"strings"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

// check names every identity of a program's account that doesn't hold. ever is all
// that was ever counted; open and aside are the follow-ups that have not ended and those of
// them set aside, from the rows.
func check(ever sums, open, aside int64) []string {
	var broken []string
	say := func(format string, a ...any) { broken = append(broken, fmt.Sprintf(format, a...)) }
	equal := func(what string, a, b int64) {
		if a != b {
			say("%s: %d against %d", what, a, b)
		}
	}
	started, ended := ever.of(followup.MetricStarted), ever.of(followup.MetricEnded)

	equal("triggers that started a follow-up = follow-ups started", ever[[2]string{followup.MetricTrigger, dimStarted}], ever.total(followup.MetricStarted))
	equal("follow-ups started = treated + held out", ever.total(followup.MetricStarted), started[dimTreated]+started[dimHeldOut])
	equal("follow-ups started = ended + open", ever.total(followup.MetricStarted), ever.total(followup.MetricEnded)+open)
	moved := ever.of(followup.MetricAside)
	equal("set aside − settled = waiting for a person now", moved[dimIn]-moved[dimOut], aside)
	if n := ended[string(followup.HeldOut)]; n > started[dimHeldOut] {
		say("follow-ups ended as held out are at most those started so: %d against %d", n, started[dimHeldOut])
	}

	var known int64
	reasons := map[string]int64{}
	for dim, n := range ever.of(followup.MetricReason) {
		state, _, _ := strings.Cut(dim, ":")
		reasons[state] += n
	}
	for _, s := range followup.Finals {
		known += ended[string(s)]
		equal(fmt.Sprintf("follow-ups ended as %s = their reasons", s), ended[string(s)], reasons[string(s)])
		delete(reasons, string(s))
	}
	equal("follow-ups ended = those in each final state", ever.total(followup.MetricEnded), known)
	for _, s := range sortedKeys(reasons) {
		say("reasons are counted for %q, which is no final state: %d", s, reasons[s])
	}
	for _, a := range study.Arms(ever, nil) {
		if a.Hits > a.N {
			say("customers of %q with the measured event are at most its members: %d against %d", a.Name, a.Hits, a.N)
		}
	}
	if a := answered(ever); a.Careless > a.Completed || a.Completed > a.Started {
		say("answers begun ≥ handed in ≥ careless: %d, %d, %d", a.Started, a.Completed, a.Careless)
	}
	broken = append(broken, strays(ever)...)
	return append(broken, checkFunnel(ever)...)
}

// strays names counters that can't be: below zero, or of a sort nobody counts.
func strays(ever sums) []string {
	var broken []string
	for _, metric := range []string{
		followup.MetricTrigger, followup.MetricStarted, followup.MetricEnded, followup.MetricReason,
		followup.MetricAside, followup.MetricDecided, attempt.MetricAttempt, answer.MetricAnswer, answer.MetricScore, answer.MetricChoice, answer.MetricTag, answer.MetricDoubt,
		study.MetricMember, study.MetricHit,
	} {
		dims := ever.of(metric)
		for _, dim := range sortedKeys(dims) {
			if dims[dim] < 0 {
				broken = append(broken, fmt.Sprintf("nothing is counted below zero: %s %s is %d", metric, dim, dims[dim]))
			}
			if metric != followup.MetricTrigger || dim == dimStarted || dim == dimMerged {
				continue
			}
			if reason, ok := strings.CutPrefix(dim, dimNotSelected); !ok || !codes.Known(reason) {
				broken = append(broken, fmt.Sprintf("a trigger is started, merged or not selected for a known reason: %q has %d", dim, dims[dim]))
			}
		}
	}
	return broken
}

func checkFunnel(ever sums) []string {
	var broken []string
	stages, unread := funnel(ever)
	for _, dim := range unread {
		broken = append(broken, fmt.Sprintf("attempts are counted as step:channel:state: %q is none", dim))
	}
	for _, s := range stages {
		name := fmt.Sprintf("step %d on %s", s.Step, s.Channel)
		if s.Unsettled < 0 {
			broken = append(broken, fmt.Sprintf("%s: intended ≥ withheld + rejected + taken: %d against %d", name, s.Intended, s.Withheld+s.Rejected+s.Taken))
		}
		if s.Unknown > s.Intended {
			broken = append(broken, fmt.Sprintf("%s: unknown outcomes are at most those intended: %d against %d", name, s.Unknown, s.Intended))
		}
	}
	return broken
}
