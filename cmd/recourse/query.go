package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver"
)

// defaultServer is where the quick start answers.
const defaultServer = "udp://127.0.0.1:5300"

// queryPayload is the UDP payload size offered (DNS Flag Day 2020).
const queryPayload = 1232

// QueryOptions are the flags of query.
type QueryOptions struct {
	JSONFlag
	DNSSEC           bool          `name:"dnssec" help:"Ask for DNSSEC records: set DO."`
	NoRecurse        bool          `name:"no-recurse" help:"Ask for what the server has by itself: clear RD."`
	Timeout          time.Duration `default:"5s" help:"How long to wait for an answer."`
	Structured       bool          `help:"Ask for structured errors."`
	StructuredOption uint16        `name:"structured-option" default:"65001" placeholder:"CODE" help:"The EDNS option that asks for them, until IANA assigns one."`
	StructuredLegacy bool          `name:"structured-legacy" help:"Ask for structured errors by the older sign, an empty Extended DNS Error."`
	CA               string        `name:"ca" placeholder:"FILE" help:"Believe certificates of this authority (PEM) too."`
	Insecure         bool          `help:"Believe any certificate. Whoever is on the way can then answer."`
	Words            []string      `arg:"" optional:"" name:"words" help:"[@URL] NAME [TYPE]: the server, by default @udp://127.0.0.1:5300, also over tcp, tls, https, h3 or quic; the name; the type of record, by default A."`
}

// Help shows the command at work.
func (QueryOptions) Help() string {
	return example("Exit status 1 says that the name is blocked or does not exist, or that there was no answer.",
		"recourse query blocked-by-law.example",
		"recourse query @tcp://9.9.9.9 example.com AAAA --dnssec --json",
		"recourse query @tls://dns.quad9.net@9.9.9.9 example.com",
		"recourse query blocked-by-law.example --structured",
		"recourse query @https://dns.quad9.net/dns-query example.com HTTPS")
}

// Run is called by the command line.
func (o *QueryOptions) Run(ctx context.Context, env *environment) error {
	server, question, err := parseQuery(o.Words)
	if err != nil {
		return err
	}
	if o.Timeout <= 0 {
		return wrongUse("--timeout %s: must be longer than nothing", o.Timeout)
	}
	ctx, stop := context.WithTimeout(ctx, o.Timeout)
	defer stop()
	answer, err := o.ask(ctx, env, server, o.message(question))
	if err != nil {
		return fmt.Errorf("%s: %w", server, err)
	}
	if err := o.print(env, answer); err != nil {
		return err
	}
	if answer.isNo() {
		return errNo
	}
	return nil
}

func (o *QueryOptions) print(env *environment, answer *queryAnswer) error {
	if o.JSON {
		return answer.printJSON(env.stdout)
	}
	return answer.printText(env.stdout)
}

func (o *QueryOptions) message(question dns.Question) *dns.Msg {
	message := new(dns.Msg)
	message.Id = dns.Id()
	message.Question = []dns.Question{question}
	message.RecursionDesired = !o.NoRecurse
	message.AuthenticatedData = true // RFC 6840, section 5.7: we understand AD
	message.SetEdns0(queryPayload, o.DNSSEC)
	opt := message.IsEdns0()
	if o.Structured {
		opt.Option = append(opt.Option, &dns.EDNS0_LOCAL{Code: o.StructuredOption})
	}
	if o.StructuredLegacy {
		opt.Option = append(opt.Option, new(dns.EDNS0_EDE))
	}
	return message
}

// parseQuery reads [@URL] NAME [TYPE]; the server may stand anywhere.
func parseQuery(words []string) (queryServer, dns.Question, error) {
	target, rest := splitWords(words)
	server, err := parseQueryServer(target)
	if err != nil {
		return server, dns.Question{}, err
	}
	if len(rest) == 0 || len(rest) > 2 {
		return server, dns.Question{}, wrongUse("query wants [@URL] NAME [TYPE]")
	}
	question, err := queryQuestion(rest)
	return server, question, err
}

// splitWords tells the server from the rest.
func splitWords(words []string) (target string, rest []string) {
	target = defaultServer
	for _, text := range words {
		if at, found := strings.CutPrefix(text, "@"); found {
			target = at
		} else {
			rest = append(rest, text)
		}
	}
	return target, rest
}

// queryQuestion reads NAME [TYPE].
func queryQuestion(words []string) (dns.Question, error) {
	question := dns.Question{Qtype: dns.TypeA, Qclass: dns.ClassINET}
	var err error
	if question.Name, err = queryName(words[0]); err == nil && len(words) > 1 {
		question.Qtype, err = queryType(words[1])
	}
	return question, err
}

// queryName takes any octets that DNS can carry, and Unicode as people write it.
func queryName(text string) (string, error) {
	for _, c := range []byte(text) {
		if c >= 0x80 {
			name, err := parse.Name(text)
			return name.FQDN(), asWrongUse(err)
		}
	}
	name, err := nameOf(text)
	return name.FQDN(), asWrongUse(err)
}

func asWrongUse(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func queryType(text string) (uint16, error) {
	upper := strings.ToUpper(text)
	if number, known := dns.StringToType[upper]; known {
		return number, nil
	}
	if digits, found := strings.CutPrefix(upper, "TYPE"); found {
		if number, err := strconv.ParseUint(digits, 10, 16); err == nil {
			return uint16(number), nil
		}
	}
	return 0, wrongUse("type %q: not a type of record, as A, AAAA, TXT or TYPE65", clip(text))
}

// queryAnswer is a reply, and how it was had.
type queryAnswer struct {
	server  resolver.Server
	took    time.Duration
	message *dns.Msg
}

// extended collects the Extended DNS Errors of the reply.
func (a *queryAnswer) extended() []resolver.Extended {
	opt := a.message.IsEdns0()
	if opt == nil {
		return nil
	}
	var found []resolver.Extended
	for _, option := range opt.Option {
		if ede, is := option.(*dns.EDNS0_EDE); is {
			found = append(found, resolver.Extended{Code: ede.InfoCode, Text: ede.ExtraText})
		}
	}
	return found
}

// isNo says whether the name does not resolve or is withheld, which NODATA and
// 0.0.0.0 do without an error code.
func (a *queryAnswer) isNo() bool {
	if a.message.Rcode != dns.RcodeSuccess {
		return true
	}
	for _, extended := range a.extended() {
		switch extended.Code {
		case resolver.Blocked, resolver.Censored, resolver.Filtered, resolver.Prohibited:
			return true
		}
	}
	return false
}
