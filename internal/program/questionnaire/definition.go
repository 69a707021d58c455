package questionnaire

import (
	"github.com/huiyin/huiyin/internal/program/document"
)

// The types of questions.
const (
	Rating   = "rating"   // 1 to scale
	NPS      = "nps"      // 0 to 10
	CES      = "ces"      // 1 to scale, usually 7: how easy it was
	Single   = "single"   // one of the options
	Multiple = "multiple" // any of the options
	YesNo    = "yes-no"
	FreeText = "text"
)

// Types lists the types of questions.
func Types() []string { return []string{Rating, NPS, CES, Single, Multiple, YesNo, FreeText} }

// Bounds.
const (
	QuestionsMax    = 30
	OptionsMax      = 30
	TagGroupsMax    = 5
	TagsMax         = 12
	TextCharsMax    = 4_000
	OtherCharsMax   = 200 // of what is written beside "other"
	defaultChars    = 1_000
	askCharsMax     = 500
	noteCharsMax    = 200
	weightBytesMax  = 12_500 // of one question on its page
	itemBytes       = 120    // what it takes to show one thing to tap
	QuotaMax        = 100_000_000
	labelCharsMax   = 60
	ratingScale     = 5
	npsScale        = 10
	cesScale        = 7
	scaleMin        = 2
	scaleMax        = 10
	combinationsMax = 5_000 // answers tried to see whether a question can ever be shown

	subsetOptionsMax = 8
)

// Definition is a document of kind Questionnaire.
type Definition struct {
	Title     document.Text        `yaml:"title"`
	Languages []string             `yaml:"languages"`
	Questions []QuestionDefinition `yaml:"questions"`
	Thanks    document.Text        `yaml:"thanks"`
	Quota     int64                `yaml:"quota"` // complete answers wanted in each program; 0: all
	Reward    *RewardDefinition    `yaml:"reward"`
	Publish   *PublishDefinition   `yaml:"publish"` // for anyone who has its address
}

// PublishDefinition opens a questionnaire to everybody, under an address that is no secret.
type PublishDefinition struct {
	Public bool   `yaml:"public"`
	Quota  int64  `yaml:"quota"`  // complete answers after which it closes; 0: never
	Until  string `yaml:"until"`  // the last day, or the moment it closes; "": never
	Repeat bool   `yaml:"repeat"` // one browser may answer again: a shared tablet
}

// RewardDefinition is what the wallet gives for an answer.
type RewardDefinition struct {
	ID   string        `yaml:"id"`   // the wallet's own name for it
	Note document.Text `yaml:"note"` // what the customer reads after answering
}

// QuestionDefinition is one question as written.
type QuestionDefinition struct {
	ID       string              `yaml:"id"`
	Type     string              `yaml:"type"`
	Scale    int64               `yaml:"scale"`
	Score    bool                `yaml:"score"`
	Required bool                `yaml:"required"`
	Ask      document.Text       `yaml:"ask"`
	Labels   map[string][]string `yaml:"labels"`
	Tags     map[string]Words    `yaml:"tags"` // by a range of scores, such as "1-3"
	Options  []Option            `yaml:"options"`
	MinPicks int64               `yaml:"min_choices"`
	MaxPicks int64               `yaml:"max_choices"`
	MaxChars int64               `yaml:"max_chars"`
	ShowIf   string              `yaml:"show_if"`
}

// Words is a list of words in each language, the same number in each.
type Words map[string][]string

// Option is one choice of a single or multiple question.
type Option struct {
	Value string        `yaml:"value"`
	Text  document.Text `yaml:"text"`
	Other bool          `yaml:"other"` // something else, which the customer may write
	None  bool          `yaml:"none"`  // none of these: it stands alone
}
