package recurse

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// Sizes of a cookie option (RFC 7873, section 4).
const (
	optionCookie    = 10
	clientCookie    = 8
	minServerCookie = 8
	maxServerCookie = 32
)

// cookieSecret is the key of the client cookies. It lives as long as the process.
type cookieSecret [16]byte

func newCookieSecret() cookieSecret {
	var secret cookieSecret
	rand.Read(secret[:]) // never fails (crypto/rand)
	return secret
}

// client is the cookie for one server: unguessable to all others, and different
// for each, so that servers cannot recognise us by it (RFC 9018, section 3).
func (s cookieSecret) client(server resolver.Server) string {
	address := server.Addr.Addr().As16()
	mac := hmac.New(sha256.New, s[:])
	mac.Write(address[:])
	return string(mac.Sum(nil)[:clientCookie])
}

// readCookie gives the server's part of a reply's cookie, "" where there is none.
// Wrong says that the reply is not one to our query: its cookie has another
// client part or a size that there is not (RFC 7873, section 5.3).
func readCookie(reply *dns.Msg, client string) (server string, wrong bool) {
	options := reply.IsEdns0()
	if options == nil {
		return "", false
	}
	for _, option := range options.Option {
		cookie, ok := option.(*dns.EDNS0_COOKIE)
		if !ok {
			continue
		}
		octets, err := hex.DecodeString(cookie.Cookie)
		size := len(octets) - clientCookie
		if err != nil || size < minServerCookie || size > maxServerCookie || string(octets[:clientCookie]) != client {
			return "", true
		}
		return string(octets[clientCookie:]), false
	}
	return "", false
}
