package acts

import (
	"strings"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// Kind reads the kind of a document as people write it: Program, program, programs. "" stays "".
func Kind(word string) (string, error) {
	if word == "" {
		return "", nil
	}
	plain := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(word))
	for _, k := range document.Kinds() {
		lower := strings.ToLower(k)
		if plain == lower || plain == lower+"s" || plain == strings.TrimSuffix(lower, "y")+"ies" {
			return k, nil
		}
	}
	return "", errs.New(errs.NotFound, codes.NotFound, "there is no kind of document `%s`%s", word, document.DidYouMean(word, document.Kinds()))
}
