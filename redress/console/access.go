package console

import (
	"net/http"
	"net/netip"
	"slices"
)

// Access is from where the console is reached, as the configuration has it.
type Access struct {
	// Listen and ListenTLS are listeners of its own; where there is none it is on those of the web.
	Listen    []netip.AddrPort `yaml:"listen"`
	ListenTLS []netip.AddrPort `yaml:"listen_tls"`
	// Networks may reach it; empty: whoever reaches the listener.
	Networks []netip.Prefix `yaml:"networks"`
}

// Apart says whether the console has listeners of its own.
func (a *Access) Apart() bool { return len(a.Listen)+len(a.ListenTLS) > 0 }

// Within lets through who comes from the networks. To everybody else there is no console.
func (a *Access) Within(client func(*http.Request) netip.Addr, console, missing http.Handler) http.Handler {
	if len(a.Networks) == 0 {
		return console
	}
	networks := slices.Clone(a.Networks)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := client(r)
		if slices.ContainsFunc(networks, func(network netip.Prefix) bool { return network.Contains(from) }) {
			console.ServeHTTP(w, r)
			return
		}
		missing.ServeHTTP(w, r)
	})
}
