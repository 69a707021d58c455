package acts

import (
	"context"
	"fmt"
	"slices"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/template"
)

// linkChars is how long a personal link is behind the pages' address: /q/ and its token.
const linkChars = 3 + 26

// Warnings says what will keep messages of published programs from being sent: templates that
// a channel's provider hasn't approved, and texts that count as more segments than the channel
// sends.
func (h *House) Warnings(ctx context.Context, names ...string) ([]string, error) {
	set, err := h.Library.Set(ctx)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, p := range set.Published() {
		if len(names) > 0 && !slices.Contains(names, p.Live.Name) {
			continue
		}
		for i := range p.Live.Steps {
			for _, w := range h.warningsOf(p.Live, i) {
				if !slices.Contains(all, w) {
					all = append(all, w)
				}
			}
		}
	}
	return all, nil
}

func (h *House) warningsOf(live *program.Live, step int) (all []string) {
	s := &live.Steps[step]
	c, _ := h.Channels.Get(s.Channel)
	t := s.Template
	if t == nil && s.Questionnaire != nil {
		t = template.Invitation()
	}
	if t == nil {
		return nil
	}
	approver, _ := c.(channel.Approver)
	counter, _ := c.(channel.SegmentCounter)
	link := make([]byte, len(h.Dispatcher.PublicURL)+linkChars)
	for i := range link {
		link[i] = 'x'
	}
	for _, language := range t.Languages() {
		if approver != nil {
			if reason := approver.Approval(t.Name(), language); reason != "" {
				all = append(all, fmt.Sprintf("program %s, step %d (%s): the provider has not approved the template %s in %s, so it will be withheld",
					live.Name, step+1, s.Channel, t.Name(), language))
			}
		}
		if counter != nil {
			if n, most := counter.SegmentsOf(t.Longest(s.Channel, language, string(link))); n > most {
				all = append(all, fmt.Sprintf("program %s, step %d (%s): with values of %d characters the template %s in %s counts as %d messages, and at most %d are sent as one",
					live.Name, step+1, s.Channel, template.TypicalValueChars, t.Name(), language, n, most))
			}
		}
	}
	return all
}
