package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Bounds on what is read.
const (
	FileBytesMax    = 1 << 20
	DocumentsMax    = 200
	DepthMax        = 32
	NodesMax        = 50_000
	NameCharsMax    = 64
	ProblemsMax     = 20
	indentSpaces    = 2
	codeSyntax      = "document-syntax"
	codeShape       = "document-shape"
	codeUnknownKey  = "unknown-key"
	codeWrongType   = "wrong-type"
	codeUnknownKind = "unknown-kind"
	codeName        = "document-name"
)

// The kinds of documents.
const (
	KindProgram       = "Program"
	KindQuestionnaire = "Questionnaire"
	KindTemplate      = "Template"
	KindScript        = "Script"
	KindSegment       = "Segment"
	KindEventType     = "EventType"
	KindCapPolicy     = "CapPolicy"
	KindRulePack      = "RulePack"
	KindWording       = "Wording"
)

// Kinds lists the kinds in the order they are applied: what others refer to comes first.
func Kinds() []string {
	return []string{
		KindEventType, KindRulePack, KindCapPolicy, KindWording, KindSegment,
		KindQuestionnaire, KindTemplate, KindScript, KindProgram,
	}
}

// Document is one YAML document: its kind, its name and where it stands.
type Document struct {
	Kind, Name string
	Node       *yaml.Node // the mapping, kind and name included
	Line       int        // of the first key in its file
}

// Parse reads the documents of one file. Documents that hold nothing but comments are passed over.
func Parse(r io.Reader) ([]Document, error) {
	text, err := io.ReadAll(io.LimitReader(r, FileBytesMax+1))
	if err != nil {
		return nil, err
	}
	if len(text) > FileBytesMax {
		return nil, errs.New(errs.TooLarge, codeSyntax,
			"the file is larger than %d KB; split it into several", FileBytesMax>>10)
	}
	if !utf8.Valid(text) {
		return nil, errs.New(errs.Invalid, codeSyntax, "the file isn't UTF-8; save it as UTF-8")
	}
	var found []Document
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var node yaml.Node
		err := decodeNext(dec, &node)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		if empty(&node) {
			continue
		}
		if len(found) == DocumentsMax {
			return nil, errs.New(errs.TooLarge, codeSyntax,
				"the file holds more than %d documents; split it", DocumentsMax)
		}
		d, err := fromNode(&node)
		if err != nil {
			return nil, err
		}
		for _, other := range found {
			if other.Kind == d.Kind && other.Name == d.Name {
				return nil, errs.New(errs.Invalid, codeName, "%s %s stands twice in the file, at line %d and at line %d; "+
					"rename one or leave it out", d.Kind, d.Name, other.Line, d.Line)
			}
		}
		found = append(found, d)
	}
}

// decodeNext reads one document's nodes. The YAML reader panics on some broken input; that is the input's fault.
func decodeNext(dec *yaml.Decoder, node *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errs.New(errs.Invalid, codeSyntax, "the YAML can't be read: %v", r)
		}
	}()
	err = dec.Decode(node)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return errs.New(errs.Invalid, codeSyntax, "the YAML can't be read: %s; check quotes, colons and indentation there",
		strings.TrimPrefix(err.Error(), "yaml: "))
}

func empty(node *yaml.Node) bool {
	return len(node.Content) == 0 || node.Kind == yaml.DocumentNode && node.Content[0].Tag == "!!null"
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// eventTypeForm is the form of an event type's name: kebab-case words parted by dots.
var eventTypeForm = regexp.MustCompile(`^[a-z][a-z0-9]*([.-][a-z0-9]+)*$`)

func fromNode(node *yaml.Node) (Document, error) {
	if node.Kind == yaml.DocumentNode {
		hoistComments(node)
		node = node.Content[0]
	}
	if node.Kind != yaml.MappingNode {
		return Document{}, errs.New(errs.Invalid, codeShape,
			"line %d holds %s where a document with kind and name should begin", node.Line, nodeWord(node))
	}
	if err := checkNodes(node); err != nil {
		return Document{}, err
	}
	d := Document{Node: node, Line: node.Line}
	var head struct{ Kind, Name *yaml.Node }
	for i := 0; i+1 < len(node.Content); i += 2 {
		switch node.Content[i].Value {
		case "kind":
			head.Kind = node.Content[i+1]
		case "name":
			head.Name = node.Content[i+1]
		}
	}
	if head.Kind == nil || head.Kind.Tag != "!!str" {
		return d, errs.New(errs.Invalid, codeShape, "the document at line %d has no kind; write one of %s first, such as `kind: Program`",
			d.Line, strings.Join(Kinds(), ", "))
	}
	d.Kind = head.Kind.Value
	if !slices.Contains(Kinds(), d.Kind) {
		return d, errs.New(errs.Invalid, codeUnknownKind, "unknown kind `%s` at line %d%s",
			d.Kind, head.Kind.Line, didYouMean(d.Kind, Kinds()))
	}
	if head.Name == nil || head.Name.Kind != yaml.ScalarNode {
		return d, errs.New(errs.Invalid, codeName, "the %s at line %d has no name; add `name: …` in kebab-case, such as failed-payment",
			d.Kind, d.Line)
	}
	d.Name = head.Name.Value
	return d, checkName(d, head.Name.Line)
}

func checkName(d Document, line int) error {
	form := nameForm
	if d.Kind == KindEventType {
		form = eventTypeForm
	}
	if len(d.Name) > NameCharsMax || !form.MatchString(d.Name) {
		return errs.New(errs.Invalid, codeName, "the name `%s` at line %d isn't kebab-case; use small letters, digits and single hyphens, "+
			"at most %d, such as failed-payment", d.Name, line, NameCharsMax)
	}
	return nil
}

// hoistComments keeps what stands above a document with the document.
func hoistComments(doc *yaml.Node) {
	root := doc.Content[0]
	if root.Kind == yaml.MappingNode && len(root.Content) > 0 {
		root = root.Content[0]
	}
	if doc.HeadComment != "" {
		root.HeadComment = strings.TrimSpace(doc.HeadComment + "\n" + root.HeadComment)
	}
	if doc.FootComment != "" {
		doc.Content[0].FootComment = strings.TrimSpace(doc.Content[0].FootComment + "\n" + doc.FootComment)
	}
}

// checkNodes refuses what could grow or hide: anchors, aliases, merges, own tags, double keys, depth.
func checkNodes(root *yaml.Node) error {
	count := 0
	var walk func(n *yaml.Node, depth int) error
	walk = func(n *yaml.Node, depth int) error {
		count++
		switch {
		case depth > DepthMax:
			return errs.New(errs.TooLarge, codeShape, "line %d is nested deeper than %d levels; flatten it", n.Line, DepthMax)
		case count > NodesMax:
			return errs.New(errs.TooLarge, codeShape, "the document at line %d holds more than %d values; split it", root.Line, NodesMax)
		case n.Kind == yaml.AliasNode || n.Anchor != "" || n.Tag == "!!merge":
			return errs.New(errs.Invalid, codeShape,
				"line %d uses a YAML anchor, alias or merge; write the value out, so that each document stands alone", n.Line)
		case n.Tag != "" && !slices.Contains(plainTags, n.Tag):
			return errs.New(errs.Invalid, codeShape, "line %d uses the YAML tag %s; leave the tag out", n.Line, n.Tag)
		}
		if n.Tag == "!!null" {
			n.Value = "null" // an empty value would be written back as an empty text
		}
		if n.Kind == yaml.MappingNode {
			if err := checkKeys(n); err != nil {
				return err
			}
		}
		for _, c := range n.Content {
			if err := walk(c, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(root, 1)
}

var plainTags = []string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!timestamp"}

func checkKeys(n *yaml.Node) error {
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return errs.New(errs.Invalid, codeShape, "the key at line %d isn't a word; write `key: value`", key.Line)
		}
		if first, twice := seen[key.Value]; twice {
			return errs.New(errs.Invalid, codeShape, "the key `%s` stands twice, at line %d and at line %d; keep one",
				key.Value, first, key.Line)
		}
		seen[key.Value] = key.Line
	}
	return nil
}

// Encode writes documents as one YAML text, parted by ---.
func Encode(docs ...Document) ([]byte, error) {
	var out bytes.Buffer
	for i, d := range docs {
		if i > 0 {
			out.WriteString("---\n")
		}
		enc := yaml.NewEncoder(&out)
		enc.SetIndent(indentSpaces)
		if err := enc.Encode(d.Node); err != nil {
			return nil, fmt.Errorf("writing %s %s as YAML: %w", d.Kind, d.Name, err)
		}
		if err := enc.Close(); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}
