package doh

import "net/http"

// status is how the door answers in HTTP: a closed set, so that whole responses can be
// made ahead. What is wrong in DNS alone is said in DNS, with statusOK (RFC 8484, section 4.2.1).
type status uint8

const (
	statusOK          status = iota
	statusMalformed          // no message, or none that can be answered
	statusDropped            // the chain wants no reply sent
	statusNotFound           // another path
	statusMethod             // neither GET nor POST
	statusTooLarge           // longer than a message can be
	statusMediaType          // not a DNS message
	statusHeaders            // more header fields than are read
	statusUnavailable        // nowhere to wait
	statuses
)

// said is what a status says, in HTTP and to a person who looked with a browser.
var said = [statuses]struct {
	code int
	text string
}{
	statusOK:          {http.StatusOK, ""},
	statusMalformed:   {http.StatusBadRequest, "not a DNS query: GET wants ?dns= with one in base64url without padding, POST one as its body\n"},
	statusDropped:     {http.StatusForbidden, "this query gets no answer here\n"},
	statusNotFound:    {http.StatusNotFound, "DNS is served at " + Path + "\n"},
	statusMethod:      {http.StatusMethodNotAllowed, "GET or POST\n"},
	statusTooLarge:    {http.StatusRequestEntityTooLarge, "longer than a DNS message can be\n"},
	statusMediaType:   {http.StatusUnsupportedMediaType, "the body is to be of type " + MediaType + "\n"},
	statusHeaders:     {http.StatusRequestHeaderFieldsTooLarge, "too many header fields\n"},
	statusUnavailable: {http.StatusServiceUnavailable, "too many queries wait already: ask again in a moment\n"},
}

func (s status) code() int    { return said[s].code }
func (s status) text() string { return said[s].text }

// allowed are the methods, for the header Allow.
const allowed = "GET, POST"

// retryAfter is when to ask again what found no place to wait, in seconds.
const retryAfter = "1"
