package program

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// spoken are the kinds of documents whose words customers read or hear.
var spoken = []string{document.KindTemplate, document.KindScript, document.KindQuestionnaire, document.KindWording}

var (
	filledIn = regexp.MustCompile(`\{\{.*?\}\}|\{%.*?%\}`)
	// webAddress is what a telephone makes a link of: an address with its scheme, or a name under
	// one of the domains that frauds and shops like best.
	webAddress = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://([^\s/?#"'<>()（）【】，。,;]+)|\b((?:[a-z0-9-]+\.)+(?:com|cn|net|org|io|app|co|top|xyz|info|me|link|cc|vip|shop|club|site|online|store|live|pro|biz|tv|hk|tw|ru|us|uk|eu|in|ly|gl|to))\b`)
)

// lintLinks refuses links to anywhere but the wallet's own domains: what customers learn from our
// messages must not be what frauds need. No domains: nothing is looked for.
func lintLinks(d document.Document, domains []string) error {
	if len(domains) == 0 || !slices.Contains(spoken, d.Kind) {
		return nil
	}
	var p document.Problems
	walkTexts(d.Node, "", func(at, text string) {
		if host := foreignHost(text, domains); host != "" {
			p.AddAt(at, errs.New(errs.Invalid, codes.LinkForeign,
				"it leads to `%.80s`, which is none of the wallet's own domains (%s); use {{ link }}, or add the domain to wallet.link_domains in the settings",
				host, strings.Join(domains, ", ")))
		}
	})
	return d.Locate(p.Err())
}

// foreignHost is the first host in a text that is none of ours; "": there is none.
func foreignHost(text string, domains []string) string {
	plain := filledIn.ReplaceAllString(norm.NFKC.String(text), " ")
	for _, m := range webAddress.FindAllStringSubmatch(plain, -1) {
		host := m[1] + m[2]
		if at := strings.LastIndexByte(host, '@'); at >= 0 { // https://ours.example@theirs.example leads to the latter
			host = host[at+1:]
		}
		if name, _, found := strings.Cut(host, ":"); found {
			host = name
		}
		host = strings.TrimSuffix(strings.ToLower(host), ".")
		if !slices.ContainsFunc(domains, func(own string) bool { return host == own || strings.HasSuffix(host, "."+own) }) {
			return host
		}
	}
	return ""
}

// walkTexts visits each text of a document with its path.
func walkTexts(n *yaml.Node, at string, visit func(at, text string)) {
	switch n.Kind {
	case yaml.ScalarNode:
		visit(at, n.Value)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			walkTexts(item, fmt.Sprintf("%s[%d]", at, i), visit)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			path := n.Content[i].Value
			if at != "" {
				path = at + "." + path
			}
			walkTexts(n.Content[i+1], path, visit)
		}
	}
}
