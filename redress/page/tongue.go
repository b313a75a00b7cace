package page

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/recourse-dns/recourse/redress/language"
)

// languageKey is the parameter by which a reader chooses the language.
const languageKey = "lang"

// Tongue is the language of a request's page.
func (p *Pages) Tongue(r *http.Request) *language.Tongue {
	tongue, _ := p.tongue(r)
	return tongue
}

// tongue is the language, and whether the reader chose it for this site.
func (p *Pages) tongue(r *http.Request) (tongue *language.Tongue, chosen bool) {
	if strings.Contains(r.URL.RawQuery, languageKey+"=") {
		if tag := r.URL.Query().Get(languageKey); p.chooser.Offers(tag) {
			return p.texts.In(tag), true
		}
	}
	return p.texts.In(p.chooser.Choose(r.Header.Get("Accept-Language"))), false
}

// languages are the links to this page in the other languages. What a form posted is in none of them.
func (p *Pages) languages(r *http.Request, current *language.Tongue, offered []string) []Link {
	query := r.URL.Query()
	query.Del("token") // never shown; whoever comes with one is sent on
	links := make([]Link, 0, len(offered))
	for _, tag := range offered {
		query.Set(languageKey, tag)
		links = append(links, Link{
			Text: p.texts.In(tag).Say("language.name"), Address: "?" + query.Encode(), Current: tag == current.Tag(),
		})
	}
	return links
}

// carry adds the chosen language, if any, to all links and forms of a page that lead into this site, and
// the origin that they shall lead to, if any. In what
// html/template writes a quote is never part of a text, so that the beginnings looked for are attributes.
func carry(body []byte, tag, away string) []byte {
	var out bytes.Buffer
	for {
		start, isForm := nextAddress(body)
		end := bytes.IndexByte(body[max(start, 0):], '"')
		if start < 0 || end < 0 {
			out.Write(body)
			return out.Bytes()
		}
		address := strings.ReplaceAll(string(body[start:start+end]), "&amp;", "&")
		out.Write(body[:start])
		out.WriteString(strings.ReplaceAll(carried(address, tag, away), "&", "&amp;"))
		body = body[start+end:]
		if closing := bytes.IndexByte(body, '>'); isForm && tag != "" && closing >= 0 && bytes.Contains(body[:closing], []byte(`method="get"`)) {
			// Such a form takes its address's parameters from its fields.
			out.Write(body[:closing+1])
			out.WriteString(`<input type="hidden" name="` + languageKey + `" value="` + tag + `">`)
			body = body[closing+1:]
		}
	}
}

func carried(address, tag, away string) string {
	if strings.HasPrefix(address, "/assets/") || strings.HasPrefix(address, "//") {
		return address
	}
	if tag != "" {
		address = withLanguage(address, tag)
	}
	return away + address
}

// nextAddress is where the next address of this site begins, and whether a form's.
func nextAddress(body []byte) (start int, isForm bool) {
	const link, form = ` href="`, `<form action="`
	start = -1
	if at := bytes.Index(body, []byte(link+"/")); at >= 0 {
		start = at + len(link)
	}
	if at := bytes.Index(body, []byte(form+"/")); at >= 0 && (start < 0 || at+len(form) < start) {
		return at + len(form), true
	}
	return start, false
}

// withLanguage adds the parameter to an address of ours that has none.
func withLanguage(address, tag string) string {
	if strings.HasPrefix(address, "/api/") || strings.Contains(address, languageKey+"=") {
		return address
	}
	before, fragment, found := strings.Cut(address, "#")
	if strings.Contains(before, "?") {
		before += "&"
	} else {
		before += "?"
	}
	before += languageKey + "=" + url.QueryEscape(tag)
	if found {
		before += "#" + fragment
	}
	return before
}
