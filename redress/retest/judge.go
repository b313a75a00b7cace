package retest

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/recourse-dns/recourse/redress/outbound"
)

const (
	maxTokens = 200_000
	maxTitle  = 200
)

// judge reads a page, and says what in it tells of harm; nothing where nothing does.
func judge(reply *outbound.Reply, host string) (title, harm string) {
	kind, _, err := mime.ParseMediaType(reply.Header.Get("Content-Type"))
	switch {
	case reply.Status != http.StatusOK:
		return "", "no page: the server answers with an error"
	case err != nil || kind != "text/html" && kind != "application/xhtml+xml":
		return "", "it serves a file and no page"
	case strings.HasPrefix(strings.ToLower(reply.Header.Get("Content-Disposition")), "attachment"):
		return "", "it serves a file to keep"
	case reply.Header.Get("Refresh") != "":
		return "", "it leads on elsewhere"
	}
	page := &page{host: host}
	if !page.read(reply.Body) {
		return "", "it has more in it than is read"
	}
	return page.title, page.harm
}

// page is what is gathered of one.
type page struct {
	host  string
	title string
	harm  string
	words bool // there is text in it
	in    string
}

// read goes through the page; false where it is too much.
func (p *page) read(body []byte) bool {
	tokens := html.NewTokenizer(bytes.NewReader(body))
	tokens.SetMaxBuf(maxPage)
	for range maxTokens {
		switch tokens.Next() {
		case html.ErrorToken:
			if p.harm == "" && !p.words {
				p.harm = "no page: there is nothing on it"
			}
			return tokens.Err() == io.EOF //nolint:errorlint // the tokenizer gives it as it is
		case html.StartTagToken, html.SelfClosingTagToken:
			p.tag(tokens.Token())
		case html.EndTagToken:
			p.in = ""
		case html.TextToken:
			p.text(string(tokens.Text()))
		default: // comments and the like
		}
	}
	return false
}

func (p *page) found(harm string) {
	if p.harm == "" {
		p.harm = harm
	}
}

// programs are the endings of what a visitor should not be made to load.
func programs() []string {
	return []string{".exe", ".msi", ".scr", ".apk", ".bat", ".cmd", ".js.zip", ".vbs", ".ps1", ".jar", ".dmg", ".iso", ".lnk", ".hta"}
}

func (p *page) tag(token html.Token) {
	p.in = token.Data
	attributes := make(map[string]string, len(token.Attr))
	for _, one := range token.Attr {
		attributes[one.Key] = strings.ToLower(strings.TrimSpace(one.Val))
	}
	switch token.Data {
	case "input":
		p.input(attributes)
	case "form":
		if action := attributes["action"]; action != "" && p.elsewhere(action) {
			p.found("a form sends what is typed to another host")
		}
	case "meta":
		if attributes["http-equiv"] == "refresh" && strings.Contains(attributes["content"], "url") {
			p.found("it leads on elsewhere")
		}
	case "a", "iframe", "embed", "object":
		for _, key := range []string{"href", "src", "data"} {
			if at, err := url.Parse(attributes[key]); err == nil && slices.Contains(programs(), path.Ext(at.Path)) {
				p.found("it offers a program to load")
			}
		}
	case "base":
		if p.elsewhere(attributes["href"]) {
			p.found("it leads on elsewhere")
		}
	}
}

// input looks at what a form asks for.
func (p *page) input(attributes map[string]string) {
	if attributes["type"] == "password" {
		p.found("it asks for a password")
	}
	for _, word := range []string{"cc-number", "cc-csc", "cardnumber", "card_number", "cvv", "one-time-code", "otp", "seed", "iban"} {
		if strings.Contains(attributes["autocomplete"], word) || attributes["name"] == word || attributes["id"] == word {
			p.found("it asks for a card, an account or a code")
		}
	}
}

func (p *page) elsewhere(address string) bool {
	at, err := url.Parse(address)
	return err != nil || at.Host != "" && !strings.EqualFold(at.Hostname(), p.host) && !strings.HasSuffix("."+strings.ToLower(at.Hostname()), "."+strings.ToLower(p.host))
}

// hiding are the calls of scripts that make programs of text.
func hiding() []string {
	return []string{"eval(", "unescape(", "atob(", "fromcharcode", "document.write(", "new function(", "location.replace(", "location.href=", "location.href =", "window.location="}
}

func (p *page) text(text string) {
	switch p.in {
	case "title":
		if title := strings.Join(strings.Fields(text), " "); p.title == "" {
			p.title = title[:min(len(title), maxTitle)]
		}
	case "script":
		lower := strings.ToLower(text)
		if slices.ContainsFunc(hiding(), func(call string) bool { return strings.Contains(lower, call) }) {
			p.found("a script in it hides what it does, or leads on elsewhere")
		}
	case "style":
	default:
		p.words = p.words || strings.TrimSpace(text) != ""
	}
}
