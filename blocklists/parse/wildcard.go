package parse

import (
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
)

// wildcard reads `*.name`, which is all below the name and not the name itself (as
// RFC 4592, section 2.1.1 has it), and bare names.
func (p *parser) wildcard(line string) error {
	line = cutComment(line)
	rest, star := strings.CutPrefix(line, "*.")
	if !star {
		return p.bare(line)
	}
	if strings.ContainsAny(rest, blanks) {
		p.refuse("more than one word")
		return nil
	}
	name, reason := clean(rest)
	if reason != "" {
		p.refuse(reason)
		return nil
	}
	return p.row(name, blocklists.Below)
}
