package acts

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Plain turns a value of ours into what JSON says of it to people outside: fields in
// snake_case, what is empty left out, keyed hashes left out, identifiers as text.
func Plain(v any) any { return plain(reflect.ValueOf(v)) }

var timeType = reflect.TypeFor[time.Time]()

func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case reflect.Struct:
		return plainStruct(v)
	case reflect.Slice, reflect.Array:
		all := []any{}
		for i := range v.Len() {
			all = append(all, plain(v.Index(i)))
		}
		return all
	case reflect.Map:
		all := map[string]any{}
		for _, k := range v.MapKeys() {
			all[k.String()] = plain(v.MapIndex(k))
		}
		return all
	case reflect.String:
		return v.String()
	}
	if v.IsValid() && v.CanInterface() {
		return v.Interface()
	}
	return nil
}

func plainStruct(v reflect.Value) any {
	if v.Type() == timeType {
		return v.Interface().(time.Time).UTC().Format(time.RFC3339Nano)
	}
	all := map[string]any{}
	for i := range v.NumField() {
		f, field := v.Type().Field(i), v.Field(i)
		switch {
		case !f.IsExported() || field.IsZero():
		case f.Anonymous && field.Kind() == reflect.Struct:
			for name, value := range plainStruct(field).(map[string]any) {
				all[name] = value
			}
		case field.Type() == reflect.TypeFor[[]byte]():
			if json.Valid(field.Bytes()) && f.Name == "Data" {
				all[snake(f.Name)] = json.RawMessage(field.Bytes())
			}
		case field.Kind() == reflect.Int64 && field.Type().PkgPath() == "" && field.Int() > maxSafe:
			all[snake(f.Name)] = strconv.FormatInt(field.Int(), 10)
		default:
			all[snake(f.Name)] = plain(field)
		}
	}
	return all
}

// maxSafe is the largest number every JSON reader keeps exactly.
const maxSafe = 1 << 53

// snake spells a field's name: TriggerAt becomes trigger_at, HTML html.
func snake(name string) string {
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		begins := i > 0 && unicode.IsUpper(r) && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]))
		if begins {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
