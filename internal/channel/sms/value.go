package sms

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// readJSON reads an answer or a post; ok is false for anything but whole JSON, nested no
// deeper than is sensible.
func readJSON(body []byte) (v any, ok bool) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || (body[0] != '{' && body[0] != '[') {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // codes and references are not to lose digits
	if decoder.Decode(&v) != nil || decoder.More() {
		return nil, false
	}
	return v, true
}

// at follows a path such as data.list.0.id; nil if it leads nowhere.
func at(v any, path string) any {
	if path == "" {
		return v
	}
	for name := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// textAt is a scalar at a path as text; empty if there is none.
func textAt(v any, path string) string {
	if path == "" {
		return ""
	}
	switch s := at(v, path).(type) {
	case string:
		return s
	case json.Number:
		return s.String()
	case bool:
		return strconv.FormatBool(s)
	}
	return ""
}
