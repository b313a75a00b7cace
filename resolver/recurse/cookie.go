package recurse

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
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
	return string(mac.Sum(nil)[:wire.ClientCookieSize])
}

// readCookie gives the server's part of a reply's cookie, "" where there is none.
// Wrong says that the reply is not one to our query: its cookie has another
// client part or a size that there is not (RFC 7873, section 5.3).
func readCookie(reply []byte, client string) (server string, wrong bool) {
	for option := range optionsOf(reply) {
		if option.Code != wire.OptionCookie {
			continue
		}
		octets := string(option.Data)
		if !wire.IsCookieSize(len(octets)) || len(octets) == wire.ClientCookieSize || octets[:wire.ClientCookieSize] != client {
			return "", true
		}
		return octets[wire.ClientCookieSize:], false
	}
	return "", false
}

// optionsOf goes through the options of a well-formed message, as far as they can be read.
func optionsOf(message []byte) func(yield func(wire.Option) bool) {
	return func(yield func(wire.Option) bool) {
		for record, err := range wire.Records(message) {
			if err != nil || record.Type != wire.TypeOPT {
				continue
			}
			for option, err := range wire.Options(record.Data) {
				if err != nil || !yield(option) {
					return
				}
			}
		}
	}
}
