package proof

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// MetaName is the name of the meta tag that may hold the code.
const MetaName = "redress-challenge"

// maxToken bounds one tag or text of a page, in octets.
const maxToken = 256 << 10

// Shows says whether a page has the code in the text that its readers see, or in the
// content of a meta tag named [MetaName]. Tokens are enough for that: a tree would let a
// page decide how deep we go.
func Shows(page []byte, code string) bool {
	tokens := html.NewTokenizer(bytes.NewReader(page))
	tokens.SetMaxBuf(maxToken)
	unseen := atom.Atom(0) // the element whose content nobody sees
	for {
		switch tokens.Next() {
		case html.ErrorToken: // the end, or more than fits
			return false
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			if token.DataAtom == atom.Meta && names(token.Attr, code) {
				return true
			}
			if unseen == 0 && isUnseen(token.DataAtom) && token.Type == html.StartTagToken {
				unseen = token.DataAtom
			}
		case html.EndTagToken:
			if name, _ := tokens.TagName(); atom.Lookup(name) == unseen {
				unseen = 0
			}
		case html.TextToken:
			if unseen == 0 && bytes.Contains(tokens.Text(), []byte(code)) {
				return true
			}
		}
	}
}

// isUnseen says whether an element's content is no text for readers. What visitors may
// write into a form is not the owner's word either.
func isUnseen(element atom.Atom) bool {
	switch element {
	case atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Textarea, atom.Iframe, atom.Noembed, atom.Noframes, atom.Object, atom.Svg:
		return true
	}
	return false
}

// names says whether a meta tag's attributes are ours, with the code for its content.
func names(attributes []html.Attribute, code string) bool {
	named, held := false, false
	for _, attribute := range attributes {
		switch attribute.Key {
		case "name":
			named = strings.EqualFold(strings.TrimSpace(attribute.Val), MetaName)
		case "content":
			held = strings.TrimSpace(attribute.Val) == code
		}
	}
	return named && held
}
