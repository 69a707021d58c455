package policy

import "time"

// The purposes a contact may have. A purpose not named here is treated as
// marketing is: it needs recorded consent.
const (
	Notice    = "notice"
	Service   = "service"
	Safety    = "safety"
	Survey    = "survey"
	Marketing = "marketing"
)

// Phone is the one channel on which tries and conversations are counted.
const Phone = "phone"

// Any stands for every channel or every purpose in refusals and consents.
const Any = "*"

// Exemptions a step may claim; a cap policy says which of them it honours.
const (
	AgreedCallBack = "agreed-call-back" // the customer named this time; preference and own hours yield to it too
	CustomerAsked  = "customer-asked"
)

// Facts is all that a decision needs. It holds no pointers into stores.
type Facts struct {
	Zones    []string  // every candidate IANA zone of the customer, likeliest first; empty: unknown
	Country  string    // ISO 3166 alpha-2; empty: the countries of the zones
	Own      *OwnHours // what the customer asked for; nil: nothing
	Channel  string
	Purpose  string
	Prefer   []Window // the hours this step prefers; empty: none
	Refusals []Refusal
	Consents []Consent
	Counted  []Counted // what allowance holds for the person and the contact point
	FollowUp int64
	Exempt   string

	NotBefore time.Time     // the gap or wait of the step; zero: none
	Deadline  time.Time     // no attempt may start later; zero: none
	Ring      time.Duration // how long an attempt may ring; all of it must lie inside the windows
}

// OwnHours is the customer's own wish. It wins over what a program prefers and
// never yields, but opens nothing that law or house keep closed.
type OwnHours struct {
	Zone     string   // the zone the wish was made in; empty: the first candidate zone
	Channels []string // empty: every channel but those that don't disturb (inapp)
	Windows  []Window
}

// Refusal withdraws a channel, a purpose or (with Any) all of them.
type Refusal struct{ Channel, Purpose string }

// Consent is one recorded grant or withdrawal; the latest that matches counts.
type Consent struct {
	Purpose, Channel string
	Granted          bool
	At               time.Time
}

// Kind is what a counted contact was.
type Kind uint8

// The kinds. A call that connected leaves two rows: its try and its
// conversation.
const (
	Message Kind = iota + 1
	Try
	Conversation
)

func (k Kind) String() string {
	switch k {
	case Message:
		return "message"
	case Try:
		return "try"
	case Conversation:
		return "conversation"
	default:
		return "unknown"
	}
}

// Counted is one contact that caps look back on.
type Counted struct {
	At       time.Time
	Purpose  string
	Kind     Kind
	FollowUp int64 // rows of one follow-up count once per purpose; 0: none, counts by itself
	Attempt  int64 // rows of one attempt (found for the person and for the contact point) count once; 0: not known
}
