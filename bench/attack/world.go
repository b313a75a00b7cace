package main

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// attack is one malicious zone: evil. and all below it answers as fill says.
type attack struct {
	name   string // in the table
	source string // where it is from: a CVE, a paper
	signed bool   // the root is signed, and evil. has a DS
	names  int    // how many to ask for; silence takes long, so that few must do
	ask    func(i int) string
	fill   func(*exchange)          // of the attacker's servers
	raw    func(*exchange) [][]byte // the same, packets and all
	good   func(*exchange)          // of the bystander victim.
}

// question is the name that the resolver is asked for the i-th time.
func (a *attack) question(i int) string {
	if a.ask != nil {
		return a.ask(i)
	}
	return fmt.Sprintf("n%d.evil.", i)
}

// world is an attack with the honest root above it.
type world struct {
	*attack
	keys *keys
}

// exchange is one question to one server, and the reply in the making.
type exchange struct {
	*world
	at     string // the server's address
	stream bool
	query  *dns.Msg
	name   string // in lower case
	kind   uint16
	reply  *dns.Msg
	silent bool
}

func (w *world) respond(at string, packet []byte, stream bool) [][]byte {
	query := new(dns.Msg)
	if err := query.Unpack(packet); err != nil || len(query.Question) != 1 || query.Response || strings.HasPrefix(at, "127.44.3.") {
		return nil
	}
	e := &exchange{world: w, at: at, stream: stream, query: query, reply: new(dns.Msg).SetReply(query)}
	e.name, e.kind = strings.ToLower(query.Question[0].Name), query.Question[0].Qtype
	switch {
	case at == rootServer:
		e.root()
	case at == goodServer && w.good != nil:
		w.good(e)
	case at == goodServer:
		e.deny("victim.", dns.RcodeNameError)
	case w.raw != nil:
		return w.raw(e)
	default:
		w.fill(e)
	}
	return e.packed()
}

// packed is the reply as a server with 1,232 octets for a datagram sends it.
func (e *exchange) packed() [][]byte {
	if e.silent {
		return nil
	}
	const most = 1232
	e.reply.Compress = true
	if opt := e.query.IsEdns0(); opt != nil && e.reply.IsEdns0() == nil {
		e.reply.SetEdns0(most, opt.Do())
	}
	out, err := e.reply.Pack()
	if err != nil {
		return nil
	}
	if !e.stream && len(out) > most {
		e.reply.Answer, e.reply.Ns, e.reply.Extra, e.reply.Truncated = nil, nil, nil, true
		out, _ = e.reply.Pack() // no longer too much
	}
	return [][]byte{out}
}

// root is the honest root: it delegates evil. and victim., and signs.
func (e *exchange) root() {
	zone := ""
	for _, child := range []string{"evil.", "victim."} {
		if dns.IsSubDomain(child, e.name) {
			zone = child
		}
	}
	address := map[string]string{"evil.": evilServer, "victim.": goodServer}[zone]
	switch {
	case zone != "" && (e.name != zone || e.kind != dns.TypeDS):
		e.authority("%s NS ns.%s", zone, zone)
		e.additional("ns.%s A %s", zone, address)
		e.proveCut(".", zone, zone == "evil.")
	case zone != "":
		e.reply.Authoritative = true
		if zone == "evil." && e.signed {
			e.answerSigned(".", e.keys.ds(zone, e.keys.usual))
			return
		}
		e.authority(". SOA ns. hostmaster. 1 2 3 4 5")
	case e.name == "." && e.kind == dns.TypeNS:
		e.answerSigned(".", records(". NS ns."))
		e.additional("ns. A %s", rootServer)
	case e.name == "." && e.kind == dns.TypeDNSKEY && e.signed:
		e.answerSigned(".", e.keys.set(".", e.keys.usual))
	case e.name == "ns.":
		e.answerSigned(".", records("ns. A "+rootServer))
	default:
		e.deny(".", dns.RcodeNameError)
	}
}

// proveCut adds to a referral the DS set, or the proof that there is none.
func (e *exchange) proveCut(parent, zone string, signed bool) {
	switch {
	case e.signed && signed:
		set := e.keys.ds(zone, e.keys.usual)
		e.reply.Ns = append(append(e.reply.Ns, set...), e.keys.sign(parent, set, e.keys.usual))
	case e.signed:
		set := records(zone + " NSEC \\000." + zone + " NS RRSIG NSEC")
		e.reply.Ns = append(append(e.reply.Ns, set...), e.keys.sign(parent, set, e.keys.usual))
	}
}

// answerSigned answers with a set, signed with the zone's key where the world is.
func (e *exchange) answerSigned(zone string, set []dns.RR) {
	e.reply.Authoritative = true
	e.reply.Answer = append(e.reply.Answer, set...)
	if e.signed {
		e.reply.Answer = append(e.reply.Answer, e.keys.sign(zone, set, e.keys.usual))
	}
}

// deny says that there is no such name, or no such type.
func (e *exchange) deny(zone string, rcode int) {
	e.reply.Authoritative, e.reply.Rcode = true, rcode
	e.authority("%s SOA ns.victim. hostmaster.victim. 1 2 3 4 5", zone)
}

func (e *exchange) answer(format string, values ...any) {
	e.reply.Authoritative = true
	e.reply.Answer = append(e.reply.Answer, records(fmt.Sprintf(format, values...))...)
}

func (e *exchange) authority(format string, values ...any) {
	e.reply.Ns = append(e.reply.Ns, records(fmt.Sprintf(format, values...))...)
}

func (e *exchange) additional(format string, values ...any) {
	e.reply.Extra = append(e.reply.Extra, records(fmt.Sprintf(format, values...))...)
}

// label is the first label of the name.
func (e *exchange) label() string {
	first, _, _ := strings.Cut(e.name, ".")
	return first
}

// child is the zone directly below evil. that the name lies in; "" for evil. itself.
func (e *exchange) child() string {
	labels := dns.SplitDomainName(e.name)
	if len(labels) < 2 {
		return ""
	}
	return labels[len(labels)-2] + ".evil."
}

// records reads records, one a line; TTL 300. What does not read is this program's fault.
func records(text string) []dns.RR {
	var all []dns.RR
	parser := dns.NewZoneParser(strings.NewReader("$TTL 300\n"+text+"\n"), ".", "")
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		all = append(all, record)
	}
	if err := parser.Err(); err != nil {
		panic(fmt.Sprintf("record %q: %v", text, err))
	}
	return all
}
