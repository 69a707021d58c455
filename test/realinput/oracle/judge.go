package oracle

import (
	"fmt"
	"sort"
	"time"
)

// Mail is one message that the mail server took, as it stands in its log.
type Mail struct {
	Customer string
	Key      string
	Sent     time.Time // in the stream's time, as the message itself says
}

// Judge lists what reached customers and must not have: mail outside the hours, over
// the cap, twice under one key, or to somebody held out.
func Judge(mails []Mail, heldOut map[string]bool, t Terms) []string {
	var wrong []string
	keys := map[string]bool{}
	sent := map[string][]time.Time{}
	for _, m := range mails {
		if !t.allows(m.Sent) {
			wrong = append(wrong, fmt.Sprintf("customer %s was mailed at %s, outside the hours", m.Customer, m.Sent.In(t.Zone).Format(time.RFC3339)))
		}
		if heldOut[m.Customer] {
			wrong = append(wrong, fmt.Sprintf("customer %s is held out, and was mailed", m.Customer))
		}
		if keys[m.Key] || m.Key == "" {
			wrong = append(wrong, fmt.Sprintf("customer %s got a message twice (key %q)", m.Customer, m.Key))
		}
		keys[m.Key] = true
		sent[m.Customer] = append(sent[m.Customer], m.Sent)
	}
	for customer, times := range sent {
		sort.Slice(times, func(i, j int) bool { return times[i].Before(times[j]) })
		for i := 1; i < len(times); i++ {
			if times[i].Sub(times[i-1]) < t.CapPer {
				wrong = append(wrong, fmt.Sprintf("customer %s was mailed at %s and again at %s", customer, times[i-1].Format(time.RFC3339), times[i].Format(time.RFC3339)))
			}
		}
	}
	sort.Strings(wrong)
	return wrong
}

// Compare lists where what was mailed differs from what should have been. What
// became of the customers in aside nobody knows: they are passed over.
func Compare(e Expected, mails []Mail, aside map[string]bool) []string {
	var wrong []string
	got := map[string]time.Time{}
	for _, m := range mails {
		got[m.Customer] = m.Sent
	}
	for customer, f := range e.Mailed {
		at, mailed := got[customer]
		switch {
		case aside[customer]:
		case !mailed:
			wrong = append(wrong, fmt.Sprintf("customer %s should have been mailed at %s, and wasn't", customer, f.Mailed.UTC().Format(time.RFC3339)))
		case !at.Equal(f.Mailed):
			wrong = append(wrong, fmt.Sprintf("customer %s should have been mailed at %s, and was at %s", customer, f.Mailed.UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339Nano)))
		}
	}
	for customer := range got {
		if _, expected := e.Mailed[customer]; !expected {
			wrong = append(wrong, fmt.Sprintf("customer %s was mailed, and shouldn't have been", customer))
		}
	}
	sort.Strings(wrong)
	return wrong
}
