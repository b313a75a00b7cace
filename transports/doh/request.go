package doh

import (
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// Path is where questions are put.
	Path = "/dns-query"
	// MediaType is that of a DNS message (RFC 8484, section 6).
	MediaType = "application/dns-message"

	// maxMessage is the largest DNS message that there is.
	maxMessage = 65535
	// maxHeaders bounds what a request may say before its body, in octets.
	maxHeaders = 16 << 10
)

// request is what the door wants to know of an HTTP request, of whatever version: all but
// its body. Whoever fills it has checked what that version demands of its form.
type request struct {
	method      string
	path, query string // as sent, the question mark left out
	contentType string
	host        string // with the port, if it has one
	length      int64  // of the body where it was said, else -1
}

// maxPath bounds what may stand behind the door's path.
const maxPath = 64

// isOurs says whether questions are put there: at the door's path, or a name below it by
// which a client says who it is. Whether anybody knows the name is not the door's affair.
func (r *request) isOurs() bool {
	after, found := strings.CutPrefix(r.path, Path)
	if !found || after == "" {
		return found
	}
	if after[0] != '/' || len(after) < 2 || len(after) > 1+maxPath {
		return false
	}
	for _, c := range []byte(after[1:]) {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// clientPath is the name behind the door's path, "" for none, of a request that is ours.
func (r *request) clientPath() string {
	if len(r.path) <= len(Path) {
		return ""
	}
	return r.path[len(Path)+1:]
}

// judge says by the head alone what becomes of the request; statusOK: its message is read.
func (r *request) judge() status {
	switch {
	case !r.isOurs():
		return statusNotFound
	case r.method == "GET":
		return statusOK
	case r.method != "POST":
		return statusMethod
	case !isMessage(r.contentType):
		return statusMediaType
	case r.length > maxMessage:
		return statusTooLarge
	}
	return statusOK
}

// appendMessage appends the message that the query of a GET carries (RFC 8484, section 4.1).
func (r *request) appendMessage(dst []byte) ([]byte, status) {
	for rest := r.query; rest != ""; {
		var field string
		field, rest, _ = strings.Cut(rest, "&")
		if value, found := strings.CutPrefix(field, "dns="); found {
			return appendDecoded(dst, value)
		}
	}
	return dst, statusMalformed
}

// appendDecoded decodes base64url without padding, which the RFC rules out; so one message
// has one form.
func appendDecoded(dst []byte, text string) ([]byte, status) {
	if base64.RawURLEncoding.DecodedLen(len(text)) > maxMessage {
		return dst, statusTooLarge
	}
	if strings.ContainsAny(text, "\r\n") { // which the decoder would pass over
		return dst, statusMalformed
	}
	var room [512]byte
	made, err := base64.RawURLEncoding.AppendDecode(dst, append(room[:0], text...))
	if err != nil {
		return dst, statusMalformed
	}
	return made, statusOK
}

// isMessage reads a Content-Type. Parameters are passed over: the type defines none.
func isMessage(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), MediaType)
}

// isQuery says whether a message can be answered at all; whatever else is wrong with it
// is said in DNS.
func isQuery(packet []byte) bool {
	return len(packet) >= wire.HeaderSize && binary.BigEndian.Uint16(packet[2:])&wire.FlagQR == 0
}

// clientName is the name that the client connected to: the host of the request, since one
// connection may serve several names (RFC 9113, section 9.1.1), else the server name of TLS.
func clientName(host, serverName string) string {
	if name := bareName(host); name != "" {
		return name
	}
	return bareName(serverName)
}

// bareName takes port and final dot off and letters to lower case; "" for an address and
// for what is too long for a name.
func bareName(host string) string {
	if strings.HasPrefix(host, "[") {
		return ""
	}
	if colon := strings.LastIndexByte(host, ':'); colon >= 0 {
		host = host[:colon]
	}
	host = strings.TrimSuffix(host, ".")
	if len(host) > wire.MaxName-2 {
		return ""
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	return strings.ToLower(host)
}
