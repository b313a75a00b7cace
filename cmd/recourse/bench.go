package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/load"
)

// BenchOptions are the flags of bench.
type BenchOptions struct {
	JSONFlag
	Names       string        `type:"existingfile" placeholder:"FILE" help:"Ask for what this file names: one name and type a line."`
	Time        time.Duration `placeholder:"10s" help:"How long to go on; 10s where --queries is not given."`
	Queries     int           `placeholder:"N" help:"How many queries to send in all."`
	Rate        float64       `placeholder:"R" help:"Send so many queries a second, whatever comes back. Latency then counts from when a query was due. Without it the next query is sent when an answer has come."`
	Connections int           `placeholder:"N" help:"Connections, or sockets for UDP: by default 4."`
	InFlight    int           `placeholder:"N" help:"Queries under way on each connection: by default 32, and 64 over TCP and TLS; 4096 with --rate."`
	Timeout     time.Duration `default:"2s" help:"When a query counts as lost."`
	EDNS        bool          `name:"edns" help:"Send EDNS."`
	DO          bool          `name:"do" help:"Ask for DNSSEC records."`
	Cookie      bool          `help:"Send a cookie, and what the server makes of it."`
	Pad         bool          `help:"Pad queries to blocks of 128 octets."`
	Source      []string      `placeholder:"ADDR" help:"Addresses or a prefix to come from, one a connection in turn."`
	GET         bool          `name:"get" help:"Over HTTP, ask with GET in place of POST."`
	Hold        bool          `help:"Open the connections, ask once on each, hold them for --time, and ask again: what is lost has not lasted."`
	CA          string        `name:"ca" placeholder:"FILE" help:"Believe certificates of this authority (PEM) too."`
	Insecure    bool          `help:"Believe any certificate."`
	Words       []string      `arg:"" optional:"" name:"words" help:"[@URL] [NAME [TYPE]]: the server, by default @udp://127.0.0.1:5300, udp, tcp, tls, https, h3 or quic://ADDRESS:PORT/PATH, with NAME@ before the address for the name in its certificate; the name; the type of record, by default A."`
}

// Help shows the command at work.
func (BenchOptions) Help() string {
	return example("Exit status 1 says that nothing was answered, or that a connection failed.",
		"recourse bench www.signed.example --time 5s",
		"recourse bench @udp://127.0.0.1:5300 --names names.txt --edns --rate 20000 --json",
		"recourse bench @tls://dns.example@127.0.0.1:8853 --connections 16 --ca ca.pem www.signed.example AAAA")
}

// Run is called by the command line.
func (o *BenchOptions) Run(ctx context.Context, env *environment) error {
	config, err := o.config(ctx)
	if err != nil {
		return err
	}
	report, err := o.load(ctx, env, config)
	if report == nil {
		return err
	}
	shown := newBenchReport(config.Server, report)
	print := shown.printText
	if o.JSON {
		print = shown.printJSON
	}
	if err := print(env.stdout); err != nil {
		return err
	}
	if err == nil && report.Answered == 0 {
		return errNo
	}
	return err
}

func (o *BenchOptions) load(ctx context.Context, env *environment, config load.Config) (*load.Report, error) {
	if !o.Hold {
		return load.Run(ctx, config)
	}
	return load.Hold(ctx, config, func(open int) {
		_, _ = fmt.Fprintf(env.stderr, "%d connections are open\n", open) // who waits for it sees that it does not come
	})
}

func (o *BenchOptions) config(ctx context.Context) (load.Config, error) {
	config := load.Config{
		Extras:      load.Extras{EDNS: o.EDNS, DO: o.DO, Cookie: o.Cookie, Pad: o.Pad},
		Connections: o.Connections, InFlight: o.InFlight,
		Rate: o.Rate, Queries: o.Queries, Time: o.Time, Timeout: o.Timeout, GET: o.GET,
	}
	const usualTime = 10 * time.Second
	if o.Time == 0 && o.Queries == 0 {
		config.Time = usualTime
	}
	target, rest := splitWords(o.Words)
	var err error
	if config.Server, err = benchServer(ctx, target); err != nil {
		return config, err
	}
	if config.Questions, err = o.questions(rest); err != nil {
		return config, err
	}
	if config.Sources, err = benchSources(o.Source); err != nil {
		return config, err
	}
	config.TLS, err = o.tls()
	return config, err
}

func (o *BenchOptions) questions(words []string) ([]load.Question, error) {
	if (o.Names != "") == (len(words) > 0) {
		return nil, wrongUse("bench wants either a name or --names")
	}
	if o.Names == "" {
		question, err := queryQuestion(words)
		return []load.Question{{Name: question.Name, Type: question.Qtype}}, err
	}
	file, err := os.Open(o.Names)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	questions, err := load.ReadQuestions(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Names, err)
	}
	return questions, nil
}

func (o *BenchOptions) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.Insecure} //nolint:gosec // who says --insecure measures and trusts nothing
	if o.CA == "" {
		return config, nil
	}
	var err error
	if config.RootCAs, err = readRoots(o.CA); err != nil {
		return nil, fmt.Errorf("--ca %s: %w", o.CA, err)
	}
	return config, nil
}

// benchServer reads the URL of a server. Of a name the first address is loaded.
func benchServer(ctx context.Context, text string) (resolver.Server, error) {
	server, err := parseQueryServer(text)
	if err != nil {
		return resolver.Server{}, err
	}
	candidates, err := server.candidates(ctx)
	if err != nil {
		return resolver.Server{}, fmt.Errorf("%s: %w", server, err)
	}
	return candidates[0], nil
}

// maxSources bounds what a prefix stands for.
const maxSources = 1 << 17

// benchSources reads addresses and prefixes; of a prefix all addresses but the first and the
// last, as far as there is use for so many.
func benchSources(texts []string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, text := range texts {
		if addr, err := netip.ParseAddr(text); err == nil {
			all = append(all, addr)
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, wrongUse("--source %q: neither an address nor a prefix", clip(text))
		}
		for addr := prefix.Masked().Addr().Next(); prefix.Contains(addr.Next()) && len(all) < maxSources; addr = addr.Next() {
			all = append(all, addr)
		}
	}
	return all, nil
}
