package answer

import "github.com/huiyin/huiyin/internal/platform/db"

// Form is a compiled questionnaire, as far as keeping answers needs it.
type Form interface {
	// Score is the question whose answer is the follow-up's score; "" if there is none.
	Score() string
	// Check judges a value and gives it as it is to be kept; its errors are for the customer.
	Check(question string, v Value) (Value, error)
	// Visible lists the questions asked of someone who gave these answers, in order.
	Visible(answers map[string]any) []string
	// Required says whether a question, when visible, must be answered.
	Required(question string) bool
	// Metric says under which metric a question's values are counted; "" for free text.
	Metric(question string) string
}

// Forms finds questionnaires by the id of their version, published ones and older ones still answered.
type Forms interface {
	Form(tx *db.Tx, id int64) (Form, error)
}
