package accounts

import (
	"net/http"
)

// Names of the session's cookie. With __Host- a browser takes it over TLS alone, and from this very host.
const (
	secureCookie = "__Host-recourse"
	plainCookie  = "recourse"
)

// maxToken bounds what is read of a cookie.
const maxToken = 100

func (g *Gate) cookieName(r *http.Request) string {
	if g.config.Secure(r) {
		return secureCookie
	}
	return plainCookie
}

// What browsers keep for us beside the session.
const (
	DeviceCookie  = "device"  // by which an account knows a browser again
	WordCookie    = "word"    // the word of a link or a claim, while somebody chooses what to sign in with
	PendingCookie = "pending" // a sign-in under way at a provider
)

// Put has the browser keep something for an age in seconds; nothing takes it away.
func (g *Gate) Put(w http.ResponseWriter, r *http.Request, kind, value string, age int) {
	if value == "" {
		age = -1
	}
	http.SetCookie(w, g.cookie(r, g.cookieName(r)+"-"+kind, value, age))
}

// Kept is what the browser keeps of a kind; empty where it keeps nothing.
func (g *Gate) Kept(r *http.Request, kind string) string {
	cookie, err := r.Cookie(g.cookieName(r) + "-" + kind)
	if err != nil || len(cookie.Value) > maxKept {
		return ""
	}
	return cookie.Value
}

// maxKept bounds what is read of a cookie that is no session's.
const maxKept = 2048

// Session is the word of the session that the browser has; empty where it has none. It may have ended.
func (g *Gate) Session(r *http.Request) string { return g.session(r) }

// session is what the session's cookie has; empty where there is none.
func (g *Gate) session(r *http.Request) string {
	cookie, err := r.Cookie(g.cookieName(r))
	if err != nil || len(cookie.Value) > maxToken {
		return ""
	}
	return cookie.Value
}

// Admit sets the cookie of a session that [Office.SignIn] opened.
func (g *Gate) Admit(w http.ResponseWriter, r *http.Request, token string) {
	http.SetCookie(w, g.cookie(r, g.cookieName(r), token, 0))
}

// cookie is one that no script reads and no other site sends but with a link. It ends with the browser,
// or after an age; the session ends in the database in any case.
func (g *Gate) cookie(r *http.Request, name, value string, age int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: g.config.Secure(r), SameSite: http.SameSiteLaxMode} //nolint:gosec // at home there may be no TLS
}

// Dismiss takes the cookie of the session away.
func (g *Gate) Dismiss(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, g.cookie(r, g.cookieName(r), "", -1))
}
