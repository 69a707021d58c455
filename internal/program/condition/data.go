package condition

import (
	"errors"
	"strconv"

	"github.com/go-faster/jx"

	"github.com/huiyin/huiyin/internal/intake/event"
)

// Bounds on the data of an event; intake keeps to them, a reader must not trust it.
const (
	dataFieldsMax = 10_000
	dataDepthMax  = 32
)

// Data is the data of one event, read once for all conditions and templates.
type Data struct {
	fields []dataField
}

type dataField struct {
	name  string
	value any // string, int64, float64, bool, nil, *Data, []any
}

// Read reads the data of an event.
func Read(e *event.Event) (*Data, error) {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(e.Data)
	left := dataFieldsMax
	return readObject(d, &left, 0)
}

var errDataBounds = errors.New("the data of the event has too many fields or levels")

func readObject(d *jx.Decoder, left *int, depth int) (*Data, error) {
	if depth > dataDepthMax {
		return nil, errDataBounds
	}
	read := &Data{fields: make([]dataField, 0, 8)}
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		name := string(key)
		value, err := readValue(d, left, depth)
		if err != nil {
			return err
		}
		read.fields = append(read.fields, dataField{name, value})
		return nil
	})
	return read, err
}

func readValue(d *jx.Decoder, left *int, depth int) (any, error) {
	if *left--; *left < 0 {
		return nil, errDataBounds
	}
	switch d.Next() {
	case jx.String:
		return d.Str()
	case jx.Number:
		return readNumber(d)
	case jx.Bool:
		return d.Bool()
	case jx.Null:
		return nil, d.Null()
	case jx.Object:
		return readObject(d, left, depth+1)
	case jx.Array:
		if depth+1 > dataDepthMax {
			return nil, errDataBounds
		}
		list := []any{}
		err := d.Arr(func(d *jx.Decoder) error {
			value, err := readValue(d, left, depth+1)
			list = append(list, value)
			return err
		})
		return list, err
	}
	return nil, d.Skip()
}

func readNumber(d *jx.Decoder) (any, error) {
	n, err := d.Num()
	if err != nil {
		return nil, err
	}
	if n.IsInt() {
		if i, err := n.Int64(); err == nil {
			return i, nil
		}
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return nil, err
	}
	const exact = 1 << 53
	if f == float64(int64(f)) && f < exact && f > -exact {
		return int64(f), nil
	}
	return f, nil
}

// Get gives a field's value: string, int64, float64, bool, *Data or []any; false if it is absent or null.
func (d *Data) Get(name string) (any, bool) {
	if d == nil {
		return nil, false
	}
	for i := len(d.fields) - 1; i >= 0; i-- { // the last of two keys of one name counts, as in encoding/json
		if d.fields[i].name == name {
			return d.fields[i].value, d.fields[i].value != nil
		}
	}
	return nil, false
}

// Map gives the data as Go maps and slices, for those who can't ask by name.
func (d *Data) Map() map[string]any {
	m := make(map[string]any, len(d.fields))
	for _, f := range d.fields {
		m[f.name] = plain(f.value)
	}
	return m
}

func plain(value any) any {
	switch v := value.(type) {
	case *Data:
		return v.Map()
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	}
	return value
}
