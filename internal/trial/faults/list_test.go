package faults

// fault is a mistake somebody could make.
type fault struct {
	name  string
	edits []edit
}

// edit replaces a text that stands in a file exactly once.
type edit struct{ file, from, to string }

const (
	record   = "engine/dispatch_record.go"
	conclude = "engine/dispatch_conclude.go"
	planned  = "engine/dispatch_plan.go"
	sends    = "engine/dispatch_send.go"
	routes   = "engine/route.go"
	selects  = "engine/route_select.go"
	saves    = "engine/route_save.go"
)

// noFence lets whoever lost a lease go on to the wire.
var noFence = []edit{
	{sends, `case f.Epoch != s.FollowUp.Epoch || f.State != followup.Contacting || now.After(f.LeaseUntil):`, `case false:`},
	{sends, `; left < s.channel.Abilities().SendTimeout {`, `; left < -1000*time.Hour {`},
}

var list = []fault{
	{"a refusal is checked when the contact is recorded, and not again", []edit{
		{sends, `facts.Refusals, facts.Consents = st.Refusals, st.Consents`, `_ = st`},
	}},
	{"a refusal by somebody who shares the address is not heeded", []edit{
		{"people/consent/store.go", `if r.Channel == policy.Any || r.Channel == channel {`, `if false && (r.Channel == policy.Any || r.Channel == channel) {`},
	}},
	{"caps are counted outside of the transaction, from what the node remembers", []edit{
		{record, `	if r.allowances, err = attempt.LockAllowances(r.tx, keys); err != nil {
		return err
	}
	return r.loadQuotas(due) // last: whoever answers waits for it
}
`, `	if remembered[r.d] == nil {
		remembered[r.d] = attempt.Allowances{}
	}
	var unseen []string
	for _, k := range keys {
		if remembered[r.d][k] == nil {
			unseen = append(unseen, k)
		}
	}
	if r.allowances, err = attempt.LockAllowances(r.tx, unseen); err != nil {
		return err
	}
	for k, a := range r.allowances {
		remembered[r.d][k] = a
	}
	r.allowances = remembered[r.d]
	return r.loadQuotas(due)
}

var remembered = map[*Dispatcher]attempt.Allowances{}
`},
	}},
	{"a cap holds per number and not per person", []edit{
		{record, `return r.allowances.Counted(attempt.CustomerKey(c.ID)), r.allowances.Counted(attempt.PointKey(p.Key))`, `return nil, r.allowances.Counted(attempt.PointKey(p.Key))`},
	}},
	{"a cap holds per person and not per shared number", []edit{
		{planned, `if d.Verdict == policy.Allow && !within(address, person) {`, `if false && !within(address, person) {`},
	}},
	{"a zone's offset is frozen when it is first met", []edit{
		{"decide/policy/zone.go", `func (z *zone) stretch(t int64) (offset, end int64) {
`, `func (z *zone) stretch(t int64) (offset, end int64) {
	z.once.Do(func() { z.met = t })
	t = z.met
`},
		{"decide/policy/zone.go", `	end     int64   // where the last stretch laid out ends
`, `	end     int64
	once    sync.Once
	met     int64
`},
		{"decide/policy/zone.go", `	return z.offsets[low], z.end
}
`, `	return z.offsets[low], never
}
`},
		{"decide/policy/zone.go", `		return z.offsets[low], z.starts[low+1]
`, `		return z.offsets[low], never
`},
	}},
	{"windows are judged in UTC", []edit{
		{"decide/policy/zone.go", `func local(t, offset int64) (day, sinceMidnight int64) {
	t += offset
`, `func local(t, offset int64) (day, sinceMidnight int64) {
`},
	}},
	{"only the likeliest of a customer's zones is judged", []edit{
		{"decide/policy/locate.go", `	return w.zoneRoom[:w.zoneCount]
`, `	return w.zoneRoom[:min(1, w.zoneCount)]
`},
	}},
	{"the window is judged when the contact is recorded, and not when it is sent", []edit{
		{sends, `if dec := s.facts.rules.Decide(&facts, now); dec.Verdict != policy.Allow {`, `if dec := s.facts.rules.Decide(&facts, s.Attempt.IntendedAt); dec.Verdict != policy.Allow {`},
	}},
	{"a retry goes out under a new key", []edit{
		{"engine/dispatch_compose.go", `Key: attempt.Key(d.Keys, a.ID), Attempt`, `Key: attempt.Key(d.Keys, a.ID^a.Epoch<<50), Attempt`},
	}},
	{"a retry goes out beyond the provider's window", []edit{
		{planned, ` && s.now.Add(can.SendTimeout+keyMargin).Before(open.IntendedAt.Add(can.Idempotency)) && s.state`, ` && s.state`},
		{planned, `case d.Verdict == policy.Defer && d.Until.Add(can.SendTimeout+keyMargin).Before(open.IntendedAt.Add(can.Idempotency)):`, `case d.Verdict == policy.Defer:`},
		{sends, `case s.again && now.After(s.keyUntil):`, `case false:`},
	}},
	{"nobody fences a node that slept over its lease", noFence},
	{"a message goes out before its attempt is durable", append([]edit{
		{record, `	if err != nil {
		return nil, err
	}
	now := d.Clock.Now()
`, `	if err != nil && (r == nil || r.batch == nil) {
		return nil, err
	}
	now := d.Clock.Now()
`},
	}, noFence...)},
	{"an event is acknowledged before it is committed", []edit{
		{"intake/event/intake.go", `	if err == nil {
		in.lag.add(int64(total))
	}
	return err
}
`, `	if err != nil {
		err = nil
	}
	in.lag.add(int64(total))
	return err
}
`},
	}},
	{"an answer is thanked for before it is committed", []edit{
		{"hear/answer/store.go", `		sheet, err = s.within(tx, token, fn)
		return err
	})
	if err != nil {
		return nil, err
	}
`, `		sheet, err = s.within(tx, token, fn)
		return err
	})
	if err != nil && sheet == nil {
		return nil, err
	}
`},
	}},
	{"the sample is drawn after the filter", []edit{
		{selects, `	if side.outside {
		b.notSelected(s, w, codes.NotSampled)
		return
	}
	if in :=`, `	if in :=`},
		{selects, `	if b.settledBefore(s, w) {
`, `	if side.outside {
		b.notSelected(s, w, codes.NotSampled)
		return
	}
	if b.settledBefore(s, w) {
`},
	}},
	{"the hold-out is drawn anew for every matter", []edit{
		{selects, `segment.HeldOut(w.Name, s.Subject, w.Audience.HoldOut)`, `segment.HeldOut(w.Name, s.Subject+s.ID, w.Audience.HoldOut)`},
	}},
	{"arms drawn elsewhere are ignored", []edit{
		{selects, `if a, ok := b.assigned[seat{w.ID, s.person.customer.ID}]; ok {`, `if a, ok := b.assigned[seat{w.ID, s.person.customer.ID}]; ok && false {`},
	}},
	{"a notice is held out", []edit{
		{selects, `		step = w.firstNotice
	}
	o := &open{`, `		step = -1
	}
	o := &open{`},
	}},
	{"a receipt moves a state backwards", []edit{
		{"contact/attempt/attempt.go", `	Delivered:   {Intended, Unknown, Accepted, Undelivered},
`, `	Delivered:   {Intended, Unknown, Accepted, Undelivered, Delivered, Seen},
`},
	}},
	{"the allowance is released on an unknown outcome", []edit{
		{conclude, `		c.change.To, c.change.Reason = attempt.Unknown, codes.OutcomeUnknown
`, `		c.change.To, c.change.Reason, c.release = attempt.Unknown, codes.OutcomeUnknown, true
`},
	}},
	{"a sleeper gives back the allowance of what another node sent", []edit{
		{conclude, `release(tx, known(released, changes, stands), now)`, `release(tx, released, now)`},
	}},
	{"a provider that doesn't know a message yet is believed at once", []edit{
		{record, `r.now.Sub(a.UpdatedAt) >= lookUpSettle`, `r.now.Sub(a.UpdatedAt) >= 0`},
	}},
	{"a program that is held is not asked about before sending", []edit{
		{sends, `case f.Program == program.Paused:`, `case f.Program == program.Paused && false:`},
		{sends, `case f.Program != program.Running:`, `case f.Program != program.Running && false:`},
		{planned, `	case program.Paused:
		s.putOff(`, `	case program.Paused + " never":
		s.putOff(`},
	}},
	{"two nodes route the same events", []edit{
		{routes, `		if !ours {
			return errTaken
		}
`, `		_ = ours
`},
	}},
	{"an event told twice is taken twice", []edit{
		{"intake/event/log.go", `		isNew[sorted[i]] = n == 1
`, `		isNew[sorted[i]] = n >= 0
`},
	}},
	{"a counter takes the last fold for the sum of all", []edit{
		{"platform/tally/tally.go", `DO UPDATE SET n = counter.n + excluded.n`, `DO UPDATE SET n = excluded.n`},
	}},
	{"odd words are not understood as a refusal", []edit{
		{"people/consent/words.go", `	if isCommand(compact) && strings.ContainsFunc(compact, unicode.IsLetter) {`, `	if commands[compact] && strings.ContainsFunc(compact, unicode.IsLetter) {`},
	}},
	{"a merged trigger is not counted", []edit{
		{selects, `	b.count(w, string(codes.Merged))
`, ``},
	}},
}
