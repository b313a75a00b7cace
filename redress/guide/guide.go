package guide

import (
	"context"
	"io/fs"
	"net/url"
	"strings"

	"golang.org/x/text/language"

	"github.com/recourse-dns/recourse/redress"
	words "github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Guide writes steps and explanations.
type Guide struct {
	hosts    Hosts
	texts    *words.Catalogue
	chooser  words.Chooser
	handler  resolver.Handler
	operator string
}

// Catalogue is the guide's own texts.
func Catalogue(more fs.FS) (*words.Catalogue, error) {
	return words.Embedded("guide", files, more)
}

// New makes a guide that looks names up by the handler, which must lie below policy.
func New(operator string, handler resolver.Handler, more fs.FS) (*Guide, error) {
	hosts, err := Known()
	if err != nil {
		return nil, err
	}
	texts, err := Catalogue(more)
	if err != nil {
		return nil, err
	}
	return &Guide{hosts: hosts, texts: texts, chooser: texts.Chooser(nil), handler: handler, operator: operator}, nil
}

// Steps are what to do at the name's hosts, by method.
type Steps struct {
	DNSHost  string   `json:"dns_host,omitempty"` // its name, where we know it
	SiteHost string   `json:"site_host,omitempty"`
	DNS      []string `json:"dns"`
	File     []string `json:"file"`
	Page     []string `json:"page"`
	// Handout is the text for whoever looks after the site, and Mailto the address that opens
	// the party's mail program with it.
	Handout string `json:"handout"`
	Mailto  string `json:"mailto"`
}

// Steps finds out where the name is, and writes what to do there in a language.
func (g *Guide) Steps(ctx context.Context, tag string, name wire.Name, challenge redress.Challenge) Steps {
	return g.write(g.tongue(tag), g.hosts.Recognise(ctx, g.handler, name), name.String(), challenge)
}

func (g *Guide) tongue(tag string) *words.Tongue {
	if parsed, err := language.Parse(tag); err == nil {
		return g.texts.In(g.chooser.Choose(parsed.String()))
	}
	return g.texts.In(words.Source)
}

func (g *Guide) write(tongue *words.Tongue, place Place, name string, challenge redress.Challenge) Steps {
	steps := Steps{DNS: dnsSteps(tongue, &place, challenge), File: fileSteps(tongue, challenge), Page: pageSteps(tongue, &place, challenge)}
	if place.DNS != nil {
		steps.DNSHost = place.DNS.Name
	}
	if place.Site != nil {
		steps.SiteHost = place.Site.Name
		if !place.Site.Files {
			steps.File = []string{} // there is no place for a file
		}
	}
	steps.Handout = g.handout(tongue, &steps, name)
	steps.Mailto = "mailto:?subject=" + encoded(tongue.Say("handout.subject", "name", name)) + "&body=" + encoded(steps.Handout)
	return steps
}

// encoded is a text in a mailto address (RFC 6068): a blank is %20, and a line's end both octets.
func encoded(text string) string {
	return strings.ReplaceAll(url.QueryEscape(strings.ReplaceAll(text, "\n", "\r\n")), "+", "%20")
}

func dnsSteps(tongue *words.Tongue, place *Place, challenge redress.Challenge) []string {
	label := place.label(challenge.Name)
	steps := []string{tongue.Say("dns.find", "zone", place.Zone)}
	if host := place.DNS; host != nil {
		menu := strings.ReplaceAll(host.DNS, "{zone}", place.Zone)
		steps = []string{tongue.Say("dns.open", "provider", host.Name, "zone", place.Zone, "menu", menu)}
	}
	steps = append(steps, tongue.Say("dns.add"), tongue.Say("dns.name", "label", label))
	if place.DNS != nil && place.DNS.Relative {
		steps = append(steps, tongue.Say("dns.relative", "zone", place.Zone))
	} else {
		steps = append(steps, tongue.Say("dns.maybe", "name", challenge.Name))
	}
	return append(steps, tongue.Say("dns.value", "value", challenge.Value), tongue.Say("dns.save"))
}

func fileSteps(tongue *words.Tongue, challenge redress.Challenge) []string {
	return []string{tongue.Say("file.make", "value", challenge.Value), tongue.Say("file.put", "url", challenge.URL), tongue.Say("page.publish")}
}

func pageSteps(tongue *words.Tongue, place *Place, challenge redress.Challenge) []string {
	var steps []string
	if host := place.Site; host != nil && host.Site != "" {
		steps = append(steps, tongue.Say("page.open", "provider", host.Name, "menu", host.Site))
	}
	return append(steps, tongue.Say("page.meta", "meta", redress.MetaTag(challenge.Value)), tongue.Say("page.text", "value", challenge.Value), tongue.Say("page.publish"))
}

// handout is for somebody who knows neither us nor the case.
func (g *Guide) handout(tongue *words.Tongue, steps *Steps, name string) string {
	parts := []string{tongue.Say("handout.intro", "name", name, "operator", g.operator), tongue.Say("handout.dns")}
	parts = append(parts, steps.DNS[:len(steps.DNS)-1]...)
	if len(steps.File) > 0 {
		parts = append(parts, tongue.Say("handout.file"))
		parts = append(parts, steps.File[:2]...)
	}
	return strings.Join(append(parts, tongue.Say("handout.safe")), "\n\n") + "\n"
}

// Explain says in a language what is missing of a proof.
func (g *Guide) Explain(tag string, flaw redress.Flaw, at, found string) string {
	if flaw == "" {
		return ""
	}
	return g.tongue(tag).Say("flaw."+string(flaw), "at", at, "found", found)
}
