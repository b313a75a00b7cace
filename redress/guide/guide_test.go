package guide_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/guide"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestTexts(t *testing.T) {
	own, err := guide.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	languagetest.Check(t, languagetest.Part{Texts: own, Sets: []string{"flaw."}})
	for _, flaw := range redress.Flaws() {
		if !own.In("en").Has("flaw." + string(flaw)) {
			t.Errorf("the flaw %q has no sentence", flaw)
		}
	}
}

func TestKnownHosts(t *testing.T) {
	hosts, err := guide.Known()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, host := range hosts {
		if seen[host.ID] || host.Name == "" || !strings.HasPrefix(host.Source, "https://") || host.DNS == "" && host.Site == "" || len(host.Servers)+len(host.Labels)+len(host.Targets) == 0 {
			t.Errorf("host %+v", host)
		}
		seen[host.ID] = true
	}
}

func TestRecognise(t *testing.T) {
	hosts, err := guide.Known()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		records   []string
		dns, site string
		zone      string
	}{
		"shop.example":       {[]string{"shop.example. 60 IN NS ns1.domaincontrol.com.", "shop.example. 60 IN A 23.227.38.65"}, "GoDaddy", "Shopify", "shop.example"},
		"www.shop.co.uk":     {[]string{"shop.co.uk. 60 IN NS abby.NS.Cloudflare.com.", "www.shop.co.uk. 60 IN CNAME shops.myshopify.com.", "shops.myshopify.com. 60 IN A 192.0.2.1"}, "Cloudflare", "Shopify", "shop.co.uk"},
		"amazon.example":     {[]string{"amazon.example. 60 IN NS ns-1.awsdns-12.co.uk."}, "Amazon Route 53", "", "amazon.example"},
		"unknown.example":    {[]string{"unknown.example. 60 IN NS ns.unknown.example.", "unknown.example. 60 IN A 192.0.2.1"}, "", "", "unknown.example"},
		"nothing.example":    {nil, "", "", "nothing.example"},
		"notaruba.example":   {[]string{"notaruba.example. 60 IN NS dns.notaruba.it.", "notaruba.example. 60 IN CNAME evilgithub.io."}, "", "", "notaruba.example"},
		"blog.pages.example": {[]string{"pages.example. 60 IN NS ns1.wixdns.net.", "blog.pages.example. 60 IN CNAME me.github.io."}, "Wix", "GitHub Pages", "pages.example"},
	} {
		world := redresstest.NewDNS()
		for _, record := range c.records {
			world.Add(record)
		}
		place := hosts.Recognise(t.Context(), world, wire.MustName(name))
		got := func(host *guide.Host) string {
			if host == nil {
				return ""
			}
			return host.Name
		}
		if got(place.DNS) != c.dns || got(place.Site) != c.site || place.Zone != c.zone {
			t.Errorf("%s: DNS %q, site %q, zone %q", name, got(place.DNS), got(place.Site), place.Zone)
		}
		if asked := len(world.Asked()); asked > 3 {
			t.Errorf("%s: %d questions", name, asked)
		}
	}
}

func TestSteps(t *testing.T) {
	world := redresstest.NewDNS()
	world.Add("shop.example. 60 IN NS ns1.domaincontrol.com.")
	world.Add("www.shop.example. 60 IN CNAME shops.myshopify.com.")
	made, err := guide.New("Example Net", world, nil)
	if err != nil {
		t.Fatal(err)
	}
	name := wire.MustName("www.shop.example")
	challenge := redress.ChallengeFor(name, "redress=abc")
	for _, tag := range append(languagetest.Languages(), "", "de-AT", "x-unknown", "\x00") {
		steps := made.Steps(t.Context(), tag, name, challenge)
		all := strings.Join(append(append(steps.DNS, steps.Page...), steps.Handout), "\n")
		for _, want := range []string{"GoDaddy", "My Products › Domains › shop.example › DNS", "_redress-challenge.www", "redress=abc", "Shopify", "Example Net"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: lacks %q:\n%s", tag, want, all)
			}
		}
		if len(steps.File) != 0 || strings.Contains(all, "{") {
			t.Errorf("%s: a file at Shopify, or a placeholder: %s", tag, all)
		}
		parsed, err := url.Parse(steps.Mailto)
		if err != nil || parsed.Scheme != "mailto" || parsed.Opaque != "" || strings.ContainsAny(steps.Mailto, " \r\n+") {
			t.Errorf("%s: %v, %q", tag, err, steps.Mailto)
		} else if query := parsed.Query(); strings.ReplaceAll(query.Get("body"), "\r", "") != steps.Handout {
			t.Errorf("%s: the mail says %q", tag, query.Get("body"))
		}
	}
	if got := made.Explain("it", redress.FlawDoubled, "a", "b.example"); !strings.Contains(got, "b.example") || strings.Contains(got, "flaw.") {
		t.Errorf("explained %q", got)
	}
}
