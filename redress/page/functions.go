package page

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// functions are those of all templates, in one language.
func (k *Kit) functions(tongue *language.Tongue) template.FuncMap {
	return template.FuncMap{
		"say": tongue.Say, "count": tongue.Count, "rich": tongue.Rich, "word": tongue.Word,
		"moment":   func(at time.Time) string { return tongue.Moment(at.In(k.config.Location)) },
		"day":      func(at time.Time) string { return tongue.Day(at.In(k.config.Location)) },
		"machine":  func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"duration": tongue.Duration, "number": tongue.Number,
		"name":     func(text string) template.HTML { return nameIn(tongue, text) },
		"link":     func(address string) template.URL { return template.URL(SafeLink(address)) }, //nolint:gosec // its scheme is one of four
		"bare":     Bare,
		"language": tongue.Tag,
		"field":    newField, "choice": newChoice,
	}
}

// SafeLink lets through only the kinds of addresses that a venue or contact may have;
// anything else becomes "", which is no link.
func SafeLink(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	switch parsed.Scheme {
	case "http", "https":
		if parsed.Host == "" {
			return ""
		}
	case "mailto", "tel":
	default:
		return ""
	}
	return parsed.String()
}

// Bare is an address as people write it.
func Bare(address string) string {
	return strings.TrimPrefix(strings.TrimPrefix(address, "mailto:"), "tel:")
}

// nameIn is a name in its own script with its A-labels beside it.
func nameIn(tongue *language.Tongue, text string) template.HTML {
	shown := template.HTML(`<bdi class="name">` + template.HTMLEscapeString(text) + `</bdi>`) //nolint:gosec // escaped
	name, err := wire.ParseName(text)
	if err != nil {
		return shown
	}
	unicode, differs := redress.Unicode(name)
	if !differs {
		return shown
	}
	ascii := template.HTML(`<bdi>` + template.HTMLEscapeString(text) + `</bdi>`)                                                                                                //nolint:gosec // escaped
	return template.HTML(fmt.Sprintf(`<bdi class="name">%s</bdi> <span class="ascii">%s</span>`, template.HTMLEscapeString(unicode), tongue.Rich("name.ascii", "name", ascii))) //nolint:gosec // escaped
}
