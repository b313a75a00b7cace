package load

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/miekg/dns"
)

// Question is what is asked for.
type Question struct {
	Name string
	Type uint16
}

// Extras is what queries carry beside their question.
type Extras struct {
	EDNS   bool // an OPT record; set by all that follow
	DO     bool // ask for DNSSEC records
	Cookie bool // a cookie (RFC 7873): the client's first, then what the server made of it
	Pad    bool // pad to blocks of 128 octets (RFC 8467, section 4.1)
}

const (
	// payload is the UDP size that queries offer (DNS Flag Day 2020).
	payload   = 1232
	padBlock  = 128
	headerLen = 12
	// maxQuestions bounds what a file of names may hold.
	maxQuestions = 10_000_000
)

// ReadQuestions reads one name and type a line, as dnsperf does; without a type it is A.
// Empty lines and those that start with # or ; are passed over.
func ReadQuestions(from io.Reader) ([]Question, error) {
	var all []Question
	lines := bufio.NewScanner(from)
	for number := 1; lines.Scan(); number++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || fields[0][0] == '#' || fields[0][0] == ';' {
			continue
		}
		one := Question{Name: fields[0], Type: dns.TypeA}
		if len(fields) > 1 {
			kind, known := dns.StringToType[strings.ToUpper(fields[1])]
			if !known {
				return nil, fmt.Errorf("line %d: %q is not a type of record", number, fields[1])
			}
			one.Type = kind
		}
		if _, valid := dns.IsDomainName(one.Name); !valid {
			return nil, fmt.Errorf("line %d: %q is not a name", number, one.Name)
		}
		if all = append(all, one); len(all) > maxQuestions {
			return nil, fmt.Errorf("more than %d names", maxQuestions)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("there is no name in it")
	}
	return all, nil
}

// queries writes the packets. They are shared by all that send.
func queries(questions []Question, extras Extras, cookie []byte) ([]query, error) {
	all := make([]query, len(questions))
	for i, question := range questions {
		packet, err := pack(question, extras, cookie)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", question.Name, err)
		}
		all[i] = query{packet: packet, question: packet[headerLen:][:questionLen(packet)]}
	}
	return all, nil
}

func pack(question Question, extras Extras, cookie []byte) ([]byte, error) {
	message := new(dns.Msg).SetQuestion(dns.Fqdn(question.Name), question.Type)
	message.Id = 0
	if extras.EDNS || extras.DO || extras.Pad || cookie != nil {
		message.SetEdns0(payload, extras.DO)
		opt := message.IsEdns0()
		if cookie != nil {
			opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(cookie)})
		}
		if extras.Pad {
			const option = 4 // its code and length
			opt.Option = append(opt.Option, &dns.EDNS0_PADDING{Padding: make([]byte, (padBlock-(message.Len()+option)%padBlock)%padBlock)})
		}
	}
	return message.Pack()
}

// cookieIn finds the whole cookie in a reply; nil where there is none.
func cookieIn(reply []byte) []byte {
	message := new(dns.Msg)
	if message.Unpack(reply) != nil || message.IsEdns0() == nil {
		return nil
	}
	for _, option := range message.IsEdns0().Option {
		if one, is := option.(*dns.EDNS0_COOKIE); is {
			cookie, err := hex.DecodeString(one.Cookie)
			if err == nil {
				return cookie
			}
		}
	}
	return nil
}

// questionLen is how many octets after the header are the question; the packet is ours.
func questionLen(packet []byte) int {
	at := headerLen
	for packet[at] != 0 {
		at += 1 + int(packet[at])
	}
	const typeAndClass = 4
	return at + 1 + typeAndClass - headerLen
}

func randomCookie(size int) []byte {
	cookie := make([]byte, size)
	_, _ = rand.Read(cookie) // it never fails
	return cookie
}
