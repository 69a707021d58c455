package questionnaire

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	codeInvalid  = "answer-invalid"
	codeQuestion = "question-unknown"
)

// Reply is what a customer says to one question.
type Reply struct {
	Given any      // as it is kept: int64 on a scale, bool, string or []string; nil: nothing
	Tags  []string // keys of the reasons tapped beside a score
	Other string   // what was written beside a choice marked other
}

// Check judges what a customer gave to a question and gives it as it is to be kept. Numbers and
// truth values may come as a form sends them, as text. Errors are sentences for the customer.
func (q *Questionnaire) Check(id string, r Reply) (Reply, error) {
	question, ok := q.Question(id)
	if !ok {
		return Reply{}, errs.New(errs.Invalid, codeQuestion, "there is no question `%s` here", shown(id))
	}
	value, err := question.check(r.Given)
	if err != nil {
		return Reply{}, err.At(id)
	}
	if value == nil {
		if question.Required {
			return Reply{}, errs.New(errs.Invalid, codeInvalid, "please answer this question").At(id)
		}
		return Reply{}, nil
	}
	kept := Reply{Given: value}
	if kept.Tags, err = question.checkTags(value, r.Tags); err != nil {
		return Reply{}, err.At(id)
	}
	if kept.Other, err = question.checkOther(value, r.Other); err != nil {
		return Reply{}, err.At(id)
	}
	return kept, nil
}

func (q *Question) check(given any) (any, *errs.Error) {
	if text, ok := given.(string); ok && strings.TrimSpace(text) == "" {
		given = nil
	}
	if given == nil {
		return nil, nil
	}
	switch q.Type {
	case Single:
		return q.checkSingle(given)
	case Multiple:
		return q.checkMultiple(given)
	case YesNo:
		return checkYesNo(given)
	case FreeText:
		return q.checkText(given)
	}
	return q.checkScale(given)
}

func (q *Question) checkScale(given any) (any, *errs.Error) {
	n, ok := whole(given)
	if !ok || n < q.Min || n > q.Max {
		return nil, errs.New(errs.Invalid, codeInvalid, "choose a number from %d to %d", q.Min, q.Max)
	}
	return n, nil
}

func whole(given any) (int64, bool) {
	switch v := given.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

func (q *Question) checkSingle(given any) (any, *errs.Error) {
	text, ok := given.(string)
	if !ok || !q.offers(text) {
		return nil, errs.New(errs.Invalid, codeInvalid, "choose one of the answers offered")
	}
	return text, nil
}

func (q *Question) offers(value string) bool {
	return slices.ContainsFunc(q.Options, func(o Option) bool { return o.Value == value })
}

func (q *Question) checkMultiple(given any) (any, *errs.Error) {
	list, ok := words(given)
	if !ok || len(list) > len(q.Options) {
		return nil, errs.New(errs.Invalid, codeInvalid, "choose from the answers offered, each once")
	}
	kept := make([]string, 0, len(list))
	for _, o := range q.Options { // in the order they are offered, whatever order they came in
		if slices.Contains(list, o.Value) {
			kept = append(kept, o.Value)
		}
	}
	if len(kept) != len(list) {
		return nil, errs.New(errs.Invalid, codeInvalid, "choose from the answers offered, each once")
	}
	if len(kept) == 0 {
		return nil, nil
	}
	if n := len(kept); n > 1 && slices.ContainsFunc(q.Options, func(o Option) bool { return o.None && slices.Contains(kept, o.Value) }) {
		return nil, errs.New(errs.Invalid, codeInvalid, "none of these can't be chosen together with others")
	} else if q.MaxPicks > 0 && n > q.MaxPicks {
		return nil, errs.New(errs.Invalid, codeInvalid, "choose at most %d", q.MaxPicks)
	} else if n < q.MinPicks && !q.isNone(kept[0]) {
		return nil, errs.New(errs.Invalid, codeInvalid, "choose at least %d", q.MinPicks)
	}
	return kept, nil
}

func (q *Question) isNone(value string) bool {
	o, _ := q.Option(value)
	return o.None
}

// checkOther keeps what was written beside a choice marked other, and beside no other.
func (q *Question) checkOther(value any, text string) (string, *errs.Error) {
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	chosen, _ := words(value)
	if !slices.ContainsFunc(chosen, func(v string) bool { o, _ := q.Option(v); return o.Other }) {
		return "", errs.New(errs.Invalid, codeInvalid, "there is nothing to write beside this answer")
	}
	kept, err := tidy(text, OtherCharsMax)
	return kept, err
}

func words(given any) ([]string, bool) {
	switch v := given.(type) {
	case string:
		return []string{v}, true
	case []string:
		return v, true
	case []any:
		list := make([]string, len(v))
		for i, x := range v {
			s, ok := x.(string)
			if !ok {
				return nil, false
			}
			list[i] = s
		}
		return list, true
	}
	return nil, false
}

func checkYesNo(given any) (any, *errs.Error) {
	switch v := given.(type) {
	case bool:
		return v, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "yes", "true", "1":
			return true, nil
		case "no", "false", "0":
			return false, nil
		}
	}
	return nil, errs.New(errs.Invalid, codeInvalid, "answer yes or no")
}

func (q *Question) checkText(given any) (any, *errs.Error) {
	text, ok := given.(string)
	if !ok {
		return nil, errs.New(errs.Invalid, codeInvalid, "write a text")
	}
	text, err := tidy(text, q.MaxChars)
	if err != nil || text == "" {
		return nil, err
	}
	return text, nil
}

// tidy takes control characters out of a text and bounds it.
func tidy(text string, charsMax int) (string, *errs.Error) {
	if !utf8.ValidString(text) {
		return "", errs.New(errs.Invalid, codeInvalid, "write a text")
	}
	text = strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' {
			return -1
		}
		return c
	}, strings.ReplaceAll(text, "\r\n", "\n")))
	if n := utf8.RuneCountInString(text); n > charsMax {
		return "", errs.New(errs.TooLarge, codeInvalid, "the text has %d characters, and %d fit; please shorten it", n, charsMax)
	}
	return text, nil
}

func (q *Question) checkTags(value any, tags []string) ([]string, *errs.Error) {
	if len(tags) == 0 {
		return nil, nil
	}
	n, scaled := value.(int64)
	group := q.TagsAt(n)
	if !scaled || group == nil {
		return nil, errs.New(errs.Invalid, codeInvalid, "no reasons are offered beside this answer")
	}
	kept := make([]string, 0, len(tags))
	for _, key := range group.Keys {
		if slices.Contains(tags, key) {
			kept = append(kept, key)
		}
	}
	if len(kept) != len(tags) {
		return nil, errs.New(errs.Invalid, codeInvalid, "choose from the reasons offered, each once")
	}
	return kept, nil
}

const shownCharsMax = 40

func shown(s string) string {
	if letters := []rune(strings.ToValidUTF8(s, "")); len(letters) > shownCharsMax {
		return string(letters[:shownCharsMax]) + "…"
	}
	return strings.ToValidUTF8(s, "")
}
