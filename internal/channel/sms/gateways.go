package sms

import (
	"embed"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed gateways/*.yaml
var ready embed.FS

// Ready lists the gateways that come with the program, by name.
func Ready() []string {
	all, err := fs.Glob(ready, "gateways/*.yaml")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for i := range all {
		all[i] = strings.TrimSuffix(path.Base(all[i]), ".yaml")
	}
	return all
}

// Source is a ready gateway's document as written.
func Source(name string) ([]byte, bool) {
	text, err := ready.ReadFile("gateways/" + path.Base(name) + ".yaml")
	return text, err == nil
}

var parsed sync.Map // name → *Document

// Named is a ready gateway's document.
func Named(name string) (*Document, bool) {
	if d, ok := parsed.Load(name); ok {
		return d.(*Document), true
	}
	text, ok := Source(name)
	if !ok {
		return nil, false
	}
	d, err := Parse(text)
	if err != nil {
		return nil, false // a test parses every one
	}
	parsed.Store(name, d)
	return d, true
}
