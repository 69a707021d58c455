package report

import (
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/segment"
)

// bystander is a customer of whom a program has kept nothing: no follow-up, no note.
type bystander struct {
	customer  *customer.Customer
	facts     *customer.Facts
	assigned  string // the arm they were imported into; empty: none
	inSegment func(name string) (bool, error)
}

// why works out again what left no trace: the sample and the segment are only counted
// when a trigger comes, since anyone can tell them from the program and the customer.
// The segment is judged as things stand now.
func why(live *program.Live, b bystander) ([]Text, error) {
	switch {
	case live == nil:
		return []Text{{"这个计划还没有发布过。", "The program has never been published."}}, nil
	case live.Trigger.Event == "":
		return []Text{{"这个计划由名单或日程启动,该客户还没有被选入。", "The program is started by lists or a schedule, and none has brought this customer in yet."}}, nil
	}
	var out []Text
	if n := b.facts.Total(live.Trigger.Event); n == 0 {
		out = append(out, both("没有收到过该客户的 %s 事件。", "No %s event of this customer has been received.", live.Trigger.Event))
	} else {
		out = append(out, both("收到过该客户的 %s 事件 %d 次。", "%s events of this customer received: %d.", live.Trigger.Event, n))
	}
	if b.assigned == "" && !segment.Sampled(live.Name, b.customer.Ref, live.Audience.Sample) {
		out = append(out, sentence(codes.NotSampled).join(both("(抽样比例 %s)。", " (%s are drawn).", percent(live.Audience.Sample))))
	}
	in, err := b.inSegment(live.Audience.Segment)
	if err != nil {
		return nil, err
	}
	if !in {
		out = append(out, sentence(codes.NotInSegment).join(both("(%s,按当前情况判断)。", " (%s, judged as things stand now).", live.Audience.Segment)))
	}
	if len(out) == 1 && b.facts.Total(live.Trigger.Event) > 0 {
		out = append(out, Text{"这些事件没有满足触发条件,或发生在计划发布之前。", "None of them met the program's condition, or they came before it was published."})
	}
	return out, nil
}
