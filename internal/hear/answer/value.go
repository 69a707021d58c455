package answer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Value is what a customer said to one question.
type Value struct {
	Given any      // int64, bool, string or []string, as conditions see it; nil: nothing
	Tags  []string // keys of the reasons tapped beside a score
	Other string   // written beside a choice marked other
	At    time.Time
}

// Empty says whether nothing was said.
func (v Value) Empty() bool {
	switch g := v.Given.(type) {
	case nil:
		return true
	case string:
		return g == ""
	case []string:
		return len(g) == 0
	default:
		return false
	}
}

// Choices lists what was chosen of a question's options.
func (v Value) Choices() []string {
	switch g := v.Given.(type) {
	case string:
		return []string{g}
	case []string:
		return g
	default:
		return nil
	}
}

func same(a, b Value) bool {
	x, err1 := encode(a)
	y, err2 := encode(b)
	return err1 == nil && err2 == nil && x == y
}

// dims are the counters a value moves beneath its question.
func dims(v Value) []string {
	switch g := v.Given.(type) {
	case int64:
		return []string{strconv.FormatInt(g, 10)}
	case bool:
		return []string{strconv.FormatBool(g)}
	case string:
		return []string{g}
	case []string:
		return g
	default:
		return nil
	}
}

// questions lists what has been answered, in a fixed order.
func questions(values map[string]Value) []string { return slices.Sorted(maps.Keys(values)) }

// record is how a value with tags or with words beside it lies in answer_value; any other is its bare JSON.
type record struct {
	Value any      `json:"value"`
	Tags  []string `json:"tags,omitempty"`
	Other string   `json:"other,omitempty"`
}

func encode(v Value) (string, error) {
	doc := v.Given
	if len(v.Tags) > 0 || v.Other != "" {
		doc = record{v.Given, v.Tags, v.Other}
	}
	b, err := json.Marshal(doc)
	return string(b), err
}

func decode(text string) (Value, error) {
	var raw any
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return Value{}, fmt.Errorf("a saved answer can't be read: %w", err)
	}
	if _, recorded := raw.(map[string]any); !recorded {
		return Value{Given: plain(raw)}, nil
	}
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return Value{}, fmt.Errorf("a saved answer can't be read: %w", err)
	}
	return Value{Given: plain(r.Value), Tags: r.Tags, Other: r.Other}, nil
}

// plain turns what JSON gives into what conditions take.
func plain(v any) any {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			if s, ok := e.(string); ok {
				list = append(list, s)
			}
		}
		return list
	default:
		return v
	}
}
