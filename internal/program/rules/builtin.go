package rules

import (
	"bytes"
	"embed"
	"fmt"
	"sync"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/program/document"
)

//go:embed packs/*.yaml
var packsFS embed.FS

// The files in the order their packs are listed.
var packFiles = []string{"cn.yaml", "us.yaml", "strict.yaml", "caps.yaml"}

type shipped struct {
	packs []RulePack
	caps  []CapPolicy
}

var readShipped = sync.OnceValues(func() (shipped, error) {
	var s shipped
	for _, name := range packFiles {
		text, err := packsFS.ReadFile("packs/" + name)
		if err != nil {
			return s, err
		}
		docs, err := document.Parse(bytes.NewReader(text))
		if err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
		for _, d := range docs {
			if err := s.add(d); err != nil {
				return s, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return s, nil
})

func (s *shipped) add(d document.Document) error {
	if d.Kind == document.KindCapPolicy {
		c, err := DecodeCaps(d)
		s.caps = append(s.caps, c)
		return err
	}
	p, err := DecodePack(d)
	if p.Country == "US" && p.Calendar == nil {
		p.Calendar = federalCalendar()
	}
	s.packs = append(s.packs, p)
	return err
}

func mustShipped() shipped {
	s, err := readShipped()
	if err != nil {
		panic("the rule packs built into this program cannot be read: " + err.Error())
	}
	return s
}

// Builtin gives the packs that ship: China, the United States and the strict
// default.
func Builtin() []RulePack { return append([]RulePack(nil), mustShipped().packs...) }

// BuiltinCaps gives the cap policy that ships.
func BuiltinCaps() []CapPolicy { return append([]CapPolicy(nil), mustShipped().caps...) }

// Strict gives the pack for countries that have none.
func Strict() RulePack {
	for _, p := range mustShipped().packs {
		if p.Country == policy.OtherCountries {
			return p
		}
	}
	panic("the strict default is not built into this program")
}

// weekendOf names the countries whose weekend is not Saturday and Sunday.
var weekendOf = map[string]policy.Days{
	"AE": policy.Saturday | policy.Sunday, // Friday and Saturday until the end of 2021
	"BD": policy.Friday | policy.Saturday, "BH": policy.Friday | policy.Saturday, "BN": policy.Friday | policy.Sunday,
	"DZ": policy.Friday | policy.Saturday, "EG": policy.Friday | policy.Saturday, "IL": policy.Friday | policy.Saturday,
	"IQ": policy.Friday | policy.Saturday, "IR": policy.Friday, "JO": policy.Friday | policy.Saturday,
	"KW": policy.Friday | policy.Saturday, "LY": policy.Friday | policy.Saturday, "NP": policy.Saturday,
	"OM": policy.Friday | policy.Saturday, "QA": policy.Friday | policy.Saturday, "SA": policy.Friday | policy.Saturday,
	"SD": policy.Friday | policy.Saturday, "SY": policy.Friday | policy.Saturday, "YE": policy.Friday | policy.Saturday,
}
