package document

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// JSON writes a node as JSON with its keys in the order they stand: what the document means,
// without comments and style. Two documents mean the same when their JSON is the same.
func JSON(node *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	if err := writeJSON(&out, node); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Same says whether two documents mean the same; comments and style don't count.
func Same(a, b Document) bool {
	x, errX := JSON(a.Node)
	y, errY := JSON(b.Node)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func writeJSON(out *bytes.Buffer, node *yaml.Node) error {
	switch node.Kind {
	case yaml.DocumentNode:
		return writeJSON(out, node.Content[0])
	case yaml.MappingNode:
		out.WriteByte('{')
		for i := 0; i+1 < len(node.Content); i += 2 {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeString(out, node.Content[i].Value); err != nil {
				return err
			}
			out.WriteByte(':')
			if err := writeJSON(out, node.Content[i+1]); err != nil {
				return err
			}
		}
		out.WriteByte('}')
		return nil
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, c := range node.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, c); err != nil {
				return err
			}
		}
		out.WriteByte(']')
		return nil
	}
	return writeScalar(out, node)
}

func writeScalar(out *bytes.Buffer, node *yaml.Node) error {
	switch node.Tag {
	case "!!null":
		out.WriteString("null")
		return nil
	case "!!bool":
		if node.Value == "true" || node.Value == "false" {
			out.WriteString(node.Value)
			return nil
		}
	case "!!int":
		if n, err := strconv.ParseInt(node.Value, 10, 64); err == nil {
			out.WriteString(strconv.FormatInt(n, 10))
			return nil
		}
	case "!!float":
		if f, err := strconv.ParseFloat(node.Value, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			out.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
			return nil
		}
	}
	return writeString(out, node.Value)
}

func writeString(out *bytes.Buffer, s string) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return err
	}
	out.Truncate(out.Len() - 1) // the encoder ends every value with a new line
	return nil
}
