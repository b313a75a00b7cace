package pages

import (
	"html/template"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// routerKind is a kind of router, with the words that it has itself.
type routerKind struct {
	ID      string
	Name    string
	Address string     // of its own pages
	Four    routerForm // where the server for names is set that DHCP hands out
	Six     routerForm // and that router advertisements or DHCPv6 do
}

// routerForm is a place in a router's menu; without a field there is none.
type routerForm struct {
	Menu  []string
	Field string
	Also  string // what has to be chosen there beside
}

// kinds are the routers that there are pictures of. The last stands for all others.
func kinds() []routerKind {
	return []routerKind{
		{
			ID: "fritzbox", Name: "FRITZ!Box", Address: "http://fritz.box",
			Four: routerForm{Menu: []string{"Home Network · Heimnetz", "Network · Netzwerk", "Network Settings · Netzwerkeinstellungen", "IPv4 Settings · IPv4-Einstellungen"}, Field: "Local DNS server · Lokaler DNS-Server"},
			Six:  routerForm{Menu: []string{"Home Network · Heimnetz", "Network · Netzwerk", "Network Settings · Netzwerkeinstellungen", "IPv6 Settings · IPv6-Einstellungen"}, Field: "Local DNSv6 server · Lokaler DNSv6-Server", Also: "DNSv6 … router advertisement (RFC 5006)"},
		},
		{
			ID: "tplink", Name: "TP-Link", Address: "http://tplinkwifi.net",
			Four: routerForm{Menu: []string{"Advanced", "Network", "DHCP Server"}, Field: "Primary DNS"},
		},
		{
			ID: "asus", Name: "Asus", Address: "http://www.asusrouter.com",
			Four: routerForm{Menu: []string{"LAN", "DHCP Server", "DNS and WINS Server Setting"}, Field: "DNS Server 1", Also: "Advertise router's IP in addition to user-specified DNS: No"},
			Six:  routerForm{Menu: []string{"IPv6", "IPv6 DNS Setting"}, Field: "IPv6 DNS Server 1", Also: "Connect to DNS Server automatically: Disable"},
		},
		{ID: "speedport", Name: "Speedport", Address: "http://speedport.ip"},
		{ID: "livebox", Name: "Livebox", Address: "http://livebox.home"},
		{
			ID: "other", Address: "http://192.168.1.1",
			Four: routerForm{Menu: []string{"LAN", "DHCP"}, Field: "DNS server"},
			Six:  routerForm{Menu: []string{"LAN", "IPv6", "RA · RDNSS · DHCPv6"}, Field: "IPv6 DNS server"},
		},
	}
}

// Path is the way through the menu.
func (f routerForm) Path() string { return strings.Join(f.Menu, " › ") }

// routerView is one router's page, or the choice of them.
type routerView struct {
	Kinds []routerKind
	Kind  *routerKind
	Four  string // the address that the router is to hand out; "" where we have none
	Six   string
	Port  uint16 // at which names are answered, where that is none for a router
	// Pictures of both forms; "" where there is none.
	Picture4, Picture6 template.HTML
}

func (h *handler) routers(w http.ResponseWriter, r *http.Request) {
	h.write(w, r, http.StatusOK, "routers", h.pages.Tongue(r).Say("menu.router"), routerView{Kinds: kinds()})
}

func (h *handler) router(w http.ResponseWriter, r *http.Request) {
	all := kinds()
	at := slices.IndexFunc(all, func(kind routerKind) bool { return kind.ID == r.PathValue("kind") })
	if at < 0 {
		h.pages.Missing(w, r)
		return
	}
	view := routerView{Kind: &all[at], Port: h.config.Port}
	tongue := h.pages.Tongue(r)
	if view.Kind.Name == "" {
		view.Kind.Name = tongue.Say("router.other")
	}
	for _, addr := range h.servers(r) {
		switch {
		case addr.Is4() && view.Four == "":
			view.Four = addr.String()
		case addr.Is6() && view.Six == "":
			view.Six = addr.String()
		}
	}
	view.Picture4 = drawRouter(view.Kind, view.Kind.Four, view.Four)
	view.Picture6 = drawRouter(view.Kind, view.Kind.Six, view.Six)
	h.write(w, r, http.StatusOK, "router", view.Kind.Name, &view)
}

func (h *handler) servers(r *http.Request) []netip.Addr {
	if h.config.Servers == nil {
		return nil
	}
	return h.config.Servers(h.config.Address(r))
}

// drawRouter draws a page of a router in outline: the way through its menu, and the field to fill in.
func drawRouter(kind *routerKind, form routerForm, value string) template.HTML {
	if form.Field == "" || value == "" {
		return ""
	}
	var out strings.Builder
	text := func(class string, x, y int, said string) {
		out.WriteString(`<text class="` + class + `" x="` + decimal(x) + `" y="` + decimal(y) + `">` + template.HTMLEscapeString(said) + `</text>`)
	}
	height := 84 + 22*len(form.Menu) + 64
	out.WriteString(`<svg class="picture" viewBox="0 0 480 ` + decimal(height) + `" aria-hidden="true" focusable="false">`)
	out.WriteString(`<rect class="frame" x="1" y="1" width="478" height="` + decimal(height-2) + `" rx="8"/><path class="frame" d="M1 36H479"/>`)
	text("strong", 14, 24, kind.Name)
	text("hour", 200, 24, strings.TrimPrefix(kind.Address, "http://"))
	for i, entry := range form.Menu {
		text("", 20+12*i, 60+22*i, "› "+entry)
	}
	y := 64 + 22*len(form.Menu)
	text("strong", 20, y+10, form.Field)
	out.WriteString(`<rect class="box" x="20" y="` + decimal(y+18) + `" width="300" height="28" rx="3"/>`)
	text("strong", 30, y+37, value)
	out.WriteString(`<path class="hand" d="M460 ` + decimal(y+32) + `H330l12-8M330 ` + decimal(y+32) + `l12 8"/></svg>`)
	return template.HTML(out.String()) //nolint:gosec // texts are escaped, and the rest is numbers
}
