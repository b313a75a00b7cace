package kit

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Level is how much of an answer is looked at, each with what those before it look at.
type Level uint8

// The levels: RCODE and records; Extended DNS Error and flags; the members of a structured
// error.
const (
	RCode Level = iota
	EDE
	JSON
)

var levelNames = []string{"rcode", "ede", "json"}

func (l Level) String() string { return levelNames[l] }

// UnmarshalText reads rcode, ede or json.
func (l *Level) UnmarshalText(text []byte) error {
	index := slices.Index(levelNames, string(text))
	if index < 0 {
		return fmt.Errorf("level %q is not one of %s", text, strings.Join(levelNames, ", "))
	}
	*l = Level(index)
	return nil
}

// Client is one who asks.
type Client struct {
	Name         string
	Addr         netip.Addr // where it asks from
	Jurisdiction string     // "" for none
	Profile      string     // "" for none
}

// List is one list, in the order of the configuration.
type List struct {
	ID           string
	Purpose      string
	Jurisdiction []string
	Category     string
	Scope        string
	Answer       string
	File         string // in the folder
}

// Case is one question and what must come back.
type Case struct {
	ID      string
	Needs   []string // what a resolver must be able to do, beside blocking names
	Client  *Client
	Name    string // fully qualified, in the case that is asked in
	Type    uint16
	DO, CD  bool
	NoEDNS  bool
	RCode   int
	Answer  string // real, none, or the data of the one record of the type
	EDE     uint16 // 0: none
	Members string // the set of members of a structured error; "" for none
}

// Kit is all of it.
type Kit struct {
	Clients []Client
	Lists   []List
	Cases   []Case
	Members []Member
}

// most bounds a file, in octets, and maxLines what it may have.
const (
	most     = 1 << 20
	maxLines = 10_000
)

// Read reads the files of a kit.
func Read(folder fs.FS) (*Kit, error) {
	kit := new(Kit)
	return kit, errors.Join(
		rows(folder, "clients.txt", 4, kit.client),
		rows(folder, "lists.txt", 7, kit.list),
		rows(folder, "errors.txt", 3, kit.member),
		rows(folder, "cases.txt", 10, kit.single),
	)
}

// rows gives each line that is neither empty nor a comment as its columns. The last column
// takes what is left of the line.
func rows(folder fs.FS, name string, columns int, take func(fields []string) error) error {
	text, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	if len(text) > most {
		return fmt.Errorf("%s: is longer than %d octets", name, most)
	}
	number := 0
	var found []error
	for line := range strings.Lines(string(text)) {
		if number++; number > maxLines {
			return fmt.Errorf("%s: has more than %d lines", name, maxLines)
		}
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) > columns {
			fields = append(fields[:columns-1], strings.Join(fields[columns-1:], " "))
		}
		if len(fields) < columns {
			found = append(found, fmt.Errorf("%s:%d: has %d columns and not %d; a dash is for nothing", name, number, len(fields), columns))
			continue
		}
		for i := range fields {
			if fields[i] == "-" {
				fields[i] = ""
			}
		}
		if err := take(fields); err != nil {
			found = append(found, fmt.Errorf("%s:%d: %w", name, number, err))
		}
	}
	return errors.Join(found...)
}

func (k *Kit) client(fields []string) error {
	addr, err := netip.ParseAddr(fields[1])
	if err != nil {
		return err
	}
	if k.Client(fields[0]) != nil {
		return fmt.Errorf("client %q is there twice", fields[0])
	}
	k.Clients = append(k.Clients, Client{Name: fields[0], Addr: addr, Jurisdiction: fields[2], Profile: fields[3]})
	return nil
}

// Client finds one by name; nil where there is none.
func (k *Kit) Client(name string) *Client {
	for i := range k.Clients {
		if k.Clients[i].Name == name {
			return &k.Clients[i]
		}
	}
	return nil
}

func (k *Kit) list(fields []string) error {
	k.Lists = append(k.Lists, List{ID: fields[0], Purpose: fields[1], Jurisdiction: words(fields[2]), Category: fields[3], Scope: fields[4], Answer: fields[5], File: fields[6]})
	return nil
}

func words(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func (k *Kit) single(fields []string) error {
	if slices.ContainsFunc(k.Cases, func(c Case) bool { return c.ID == fields[0] }) {
		return fmt.Errorf("case %q is there twice", fields[0])
	}
	read := Case{ID: fields[0], Needs: words(fields[1]), Client: k.Client(fields[2]), Name: dns.Fqdn(fields[3]), Answer: fields[7], Members: fields[9]}
	if read.Client == nil {
		return fmt.Errorf("no client is called %q", fields[2])
	}
	var known bool
	if read.Type, known = dns.StringToType[fields[4]]; !known {
		return fmt.Errorf("%q is no type of record", fields[4])
	}
	if read.RCode, known = dns.StringToRcode[fields[6]]; !known {
		return fmt.Errorf("%q is no RCODE", fields[6])
	}
	if read.Members != "" && !slices.ContainsFunc(k.Members, func(m Member) bool { return m.Set == read.Members }) {
		return fmt.Errorf("errors.txt has no set %q", read.Members)
	}
	if fields[8] != "" {
		if _, err := fmt.Sscanf(fields[8], "%d", &read.EDE); err != nil {
			return fmt.Errorf("%q is no number of an Extended DNS Error", fields[8])
		}
	}
	k.Cases = append(k.Cases, read)
	return k.Cases[len(k.Cases)-1].flag(words(fields[5]))
}

func (c *Case) flag(flags []string) error {
	for _, flag := range flags {
		switch flag {
		case "do":
			c.DO = true
		case "cd":
			c.CD = true
		case "noedns":
			c.NoEDNS = true
		default:
			return fmt.Errorf("%q is not one of do, cd, noedns", flag)
		}
	}
	return nil
}

// payload is the size of UDP replies that is offered (DNS Flag Day 2020).
const payload = 1232

// Query is the question as it is sent.
func (c *Case) Query() *dns.Msg {
	message := new(dns.Msg)
	message.Id, message.RecursionDesired, message.CheckingDisabled = dns.Id(), true, c.CD
	message.Question = []dns.Question{{Name: c.Name, Qtype: c.Type, Qclass: dns.ClassINET}}
	if !c.NoEDNS {
		message.SetEdns0(payload, c.DO)
	}
	return message
}

// Lacks says which of the case's needs a resolver has not; "" for none.
func (c *Case) Lacks(lacking []string) string {
	for _, need := range c.Needs {
		if slices.Contains(lacking, need) {
			return need
		}
	}
	return ""
}
