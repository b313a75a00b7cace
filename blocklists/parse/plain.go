package parse

import "github.com/recourse-dns/recourse/resolver/wire"

// hostOctet has the lower case of each octet that a listed name may have, and 0 for
// all others.
var hostOctet = func() (table [256]byte) {
	for c := byte('a'); c <= 'z'; c++ {
		table[c], table[c-'a'+'A'] = c, c
	}
	for c := byte('0'); c <= '9'; c++ {
		table[c] = c
	}
	table['-'], table['_'] = '-', '_'
	return table
}()

// plain makes the name of an ordinary text in one pass and without allocation, which
// nearly all lines of all lists take. Where it says no, clean has the last word: it
// knows what else is a name, and why the rest is none. The name is good until the next.
func (p *parser) plain(text []byte) (name []byte, labels int, ok bool) {
	if len(text) == 0 || len(text) > wire.MaxName-2 {
		return nil, 0, false
	}
	into := p.scratch[:len(text)+2]
	start := 0 // of the label's text; its length octet lies there in the name
	for i, c := range text {
		low := hostOctet[c]
		into[i+1] = low
		if low != 0 {
			continue
		}
		if size := i - start; c != '.' || size == 0 || size > wire.MaxLabel {
			return nil, 0, false
		}
		into[start] = byte(i - start)
		start = i + 1
		labels++
	}
	size := len(text) - start
	if size == 0 || size > wire.MaxLabel || allDigits(text[start:]) {
		return nil, 0, false
	}
	into[start], into[len(text)+1] = byte(size), 0
	return into, labels + 1, true
}

func allDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// name makes the name of any text, or says why it is none.
func (p *parser) name(text []byte) (name []byte, labels int, reason string) {
	if name, labels, ok := p.plain(text); ok {
		return name, labels, ""
	}
	slow, reason := clean(string(text[:min(len(text), maxText+1)]))
	if reason != "" {
		return nil, 0, reason
	}
	return p.scratch[:copy(p.scratch[:], slow)], slow.Labels(), ""
}
