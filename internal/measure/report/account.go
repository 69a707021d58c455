package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

// The dims of followup.MetricTrigger, MetricStarted and MetricAside.
const (
	dimStarted     = "started"
	dimMerged      = "merged"
	dimNotSelected = "not-selected:"
	dimTreated     = "treated"
	dimHeldOut     = "held-out"
	dimIn          = "in"
	dimOut         = "out"
)

// sums are counters added up over some days, by metric and dim.
type sums map[[2]string]int64

// of gives the sums of one metric, by dim.
func (s sums) of(metric string) map[string]int64 {
	out := map[string]int64{}
	for k, n := range s {
		if k[0] == metric {
			out[k[1]] = n
		}
	}
	return out
}

// total adds up all dims of a metric.
func (s sums) total(metric string) int64 {
	var n int64
	for k, v := range s {
		if k[0] == metric {
			n += v
		}
	}
	return n
}

// sortedKeys gives the keys of a map in their order, so that the same figures always read the same.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func triggers(s sums) Triggers {
	t := Triggers{NotSelected: []ReasonCount{}, Definition: defineTriggers}
	dims := s.of(followup.MetricTrigger)
	for _, dim := range sortedKeys(dims) {
		n := dims[dim]
		t.Total += n
		reason, notSelected := strings.CutPrefix(dim, dimNotSelected)
		switch {
		case dim == dimStarted:
			t.Started = n
		case dim == dimMerged:
			t.Merged = n
		case notSelected && n != 0:
			t.NotSelected = append(t.NotSelected, counted(codes.Reason(reason), n))
		}
	}
	mostFirst(t.NotSelected)
	return t
}

func counted(r codes.Reason, n int64) ReasonCount {
	return ReasonCount{Reason: r, N: n, Text: sentence(r)}
}

func mostFirst(list []ReasonCount) {
	slices.SortStableFunc(list, func(a, b ReasonCount) int { return cmp.Compare(b.N, a.N) })
}

// followUps gives the account of the days in period; before is all that was counted before them.
func followUps(before, period sums, aside int64) FollowUps {
	f := FollowUps{
		OpenBefore: before.total(followup.MetricStarted) - before.total(followup.MetricEnded),
		Treated:    period[[2]string{followup.MetricStarted, dimTreated}],
		HeldOut:    period[[2]string{followup.MetricStarted, dimHeldOut}],
		Started:    period.total(followup.MetricStarted),
		SetAside:   aside,
		Ended:      make([]EndCount, 0, len(followup.Finals)),
		Definition: defineFollowUps,
	}
	f.Open = f.OpenBefore + f.Started - period.total(followup.MetricEnded)
	why := period.of(followup.MetricReason)
	for _, state := range followup.Finals {
		end := EndCount{State: state, N: period[[2]string{followup.MetricEnded, string(state)}], Text: stateName(state)}
		for _, dim := range sortedKeys(why) {
			if reason, ok := strings.CutPrefix(dim, string(state)+":"); ok && why[dim] != 0 {
				end.Reasons = append(end.Reasons, counted(codes.Reason(reason), why[dim]))
			}
		}
		mostFirst(end.Reasons)
		f.Ended = append(f.Ended, end)
	}
	return f
}

// stateName names a final state; the registry spells states as codes.
func stateName(s followup.State) Text {
	return sentence(codes.Reason(strings.ReplaceAll(string(s), "_", "-")))
}

// withheld gathers, by reason, what was denied, put off, passed over and suppressed.
func withheld(s sums) []Withheld {
	by := map[codes.Reason]*Withheld{}
	at := func(reason string) *Withheld {
		r := codes.Reason(reason)
		if by[r] == nil {
			by[r] = &Withheld{Reason: r, Text: sentence(r)}
		}
		return by[r]
	}
	for dim, n := range s.of(followup.MetricDecided) {
		verdict, reason, _ := strings.Cut(dim, ":")
		switch followup.Verdict(verdict) {
		case followup.Deny:
			at(reason).Denied += n
		case followup.Defer:
			at(reason).Deferred += n
		case followup.Pass:
			at(reason).PassedOver += n
		}
	}
	for dim, n := range s.of(followup.MetricReason) {
		if reason, ok := strings.CutPrefix(dim, string(followup.Suppressed)+":"); ok {
			at(reason).Suppressed += n
		}
	}
	out := []Withheld{}
	for _, r := range sortedKeys(by) {
		if w := by[r]; w.Suppressed != 0 || w.Denied != 0 || w.Deferred != 0 || w.PassedOver != 0 {
			out = append(out, *w)
		}
	}
	slices.SortStableFunc(out, func(a, b Withheld) int {
		return cmp.Or(cmp.Compare(b.Suppressed, a.Suppressed), cmp.Compare(b.Denied, a.Denied), cmp.Compare(b.Deferred, a.Deferred))
	})
	return out
}
