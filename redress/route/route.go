package route

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Route is one call.
type Route struct {
	Method  string
	Path    string // a pattern of http.ServeMux, without method
	Handler http.HandlerFunc
}

// Mux joins routes. GET answers HEAD too. WrongMethod gets the methods that the path
// has, as the Allow header lists them; it is set already.
func Mux(routes []Route, wrongMethod func(w http.ResponseWriter, allowed string), missing http.HandlerFunc) *http.ServeMux {
	return muxOf(routes, func(w http.ResponseWriter, _ *http.Request, allowed string) { wrongMethod(w, allowed) }, missing)
}

func muxOf(routes []Route, wrongMethod func(http.ResponseWriter, *http.Request, string), missing http.HandlerFunc) *http.ServeMux {
	byPath := make(map[string]map[string]http.HandlerFunc)
	for _, one := range routes {
		if byPath[one.Path] == nil {
			byPath[one.Path] = make(map[string]http.HandlerFunc)
		}
		byPath[one.Path][one.Method] = one.Handler
		if one.Method == http.MethodGet {
			byPath[one.Path][http.MethodHead] = one.Handler
		}
	}
	mux := http.NewServeMux()
	for path, byMethod := range byPath {
		mux.HandleFunc(path, choose(byMethod, wrongMethod))
	}
	mux.HandleFunc("/", missing)
	return mux
}

// MuxOf is Mux for pages, which say whatever they say to a request.
func MuxOf(routes []Route, wrongMethod, missing http.HandlerFunc) *http.ServeMux {
	return muxOf(routes, func(w http.ResponseWriter, r *http.Request, _ string) { wrongMethod(w, r) }, missing)
}

func choose(byMethod map[string]http.HandlerFunc, wrongMethod func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	var methods []string
	for method := range byMethod {
		methods = append(methods, method)
	}
	slices.Sort(methods)
	allowed := strings.Join(methods, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		if handler, found := byMethod[r.Method]; found {
			handler(w, r)
			return
		}
		w.Header().Set("Allow", allowed)
		wrongMethod(w, r, allowed)
	}
}

// Guarded sets what every reply has: nothing is stored, framed, sniffed or told to another
// site. The policy is the Content-Security-Policy. A page with a form that is posted lowers
// Referrer-Policy to same-origin (package page says why).
func Guarded(policy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// Peer is the address of the connection; the zero value where it has none, as on a
// Unix socket.
func Peer(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}
