package rules

import (
	"slices"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/program/document"
)

// CapPolicy is a document of kind CapPolicy: the house's own caps.
type CapPolicy struct {
	Name     string           `yaml:"-"`
	Title    document.Text    `yaml:"title,omitempty"`
	Purposes map[string][]Cap `yaml:"purposes,omitempty"`
	Calls    Calls            `yaml:"calls,omitempty"`
	Exempt   []string         `yaml:"exempt,omitempty"`
}

// Calls caps phone calls: tries, and those that became conversations.
type Calls struct {
	Tries         []Cap `yaml:"tries,omitempty"`
	Conversations []Cap `yaml:"conversations,omitempty"`
}

// Cap allows N within any stretch of Per.
type Cap struct {
	N   int               `yaml:"n"`
	Per document.Duration `yaml:"per"`
}

// DecodeCaps reads a document of kind CapPolicy.
func DecodeCaps(d document.Document) (CapPolicy, error) {
	c := CapPolicy{Name: d.Name}
	if err := d.Decode(&c); err != nil {
		return c, err
	}
	return c, d.Locate(c.Check())
}

// Check says what is wrong with the policy by itself.
func (c CapPolicy) Check() error {
	var problems document.Problems
	for purpose := range c.Purposes {
		if names := policy.PurposeNames(); !slices.Contains(names, purpose) {
			problems.Add(refused("purpose %q is not known; write one of %v%s", purpose, names, document.DidYouMean(purpose, names)).At("purposes." + purpose))
		}
	}
	if err := problems.Err(); err != nil {
		return err
	}
	if _, err := policy.New(policy.Spec{Caps: []policy.CapPolicy{c.compile()}}); err != nil {
		return refused("%s", err)
	}
	return nil
}

func (c CapPolicy) compile() policy.CapPolicy {
	made := policy.CapPolicy{
		Name: c.Name, Purposes: map[string][]policy.Cap{}, Exempt: c.Exempt,
		Tries: compileCaps(c.Calls.Tries), Conversations: compileCaps(c.Calls.Conversations),
	}
	for purpose, list := range c.Purposes {
		made.Purposes[purpose] = compileCaps(list)
	}
	return made
}

func compileCaps(list []Cap) []policy.Cap {
	caps := make([]policy.Cap, len(list))
	for i, c := range list {
		caps[i] = policy.Cap{N: c.N, Per: c.Per.Std()}
	}
	return caps
}
