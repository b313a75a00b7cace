package notify

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// Bounds of an address (RFC 5321, section 4.5.3.1).
const (
	maxAddress = 254
	maxLocal   = 64
)

// localForm is a dot-string of RFC 5321. The quoted form is used by nobody who means well.
var localForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")

// ParseAddress gives a mail address as it is written to: the domain in A-labels, in lower
// case. A display name, a comment, a quoted local part or an address literal is refused.
func ParseAddress(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || len(address) > 4*maxAddress {
		return "", errors.New("not a mail address, as name@example.net")
	}
	local, domain := address[:at], address[at+1:]
	if len(local) > maxLocal || !localForm.MatchString(local) {
		return "", errors.New("not a mail address, as name@example.net: what stands before the @ is not plain ASCII without blanks and quotes")
	}
	domain, err := idna.Lookup.ToASCII(strings.ToLower(domain))
	if err != nil || !strings.Contains(domain, ".") && domain != "localhost" || slices.Contains(strings.Split(domain, "."), "") {
		return "", errors.New("not a mail address, as name@example.net: what stands behind the @ is not a host name")
	}
	if len(local)+1+len(domain) > maxAddress {
		return "", fmt.Errorf("a mail address of more than %d octets", maxAddress)
	}
	return local + "@" + domain, nil
}
