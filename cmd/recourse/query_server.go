package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// queryServer is whom to ask. A server that is given by name alone is looked up as any
// other host of this machine's.
type queryServer struct {
	resolver.Server
	host string // to be looked up; "" where there is an address
}

func (s queryServer) String() string {
	if s.host != "" && s.Name == "" {
		return fmt.Sprintf("%s://%s", s.Transport, net.JoinHostPort(s.host, strconv.Itoa(int(s.Addr.Port()))))
	}
	return s.Server.String()
}

// parseQueryServer reads what [resolver.ParseServer] does, and hosts that are asked in
// plain text by name: here it is a person who says so, each time.
func parseQueryServer(text string) (queryServer, error) {
	text = strings.TrimSuffix(text, "/")
	server, err := resolver.ParseServer(text)
	if err == nil {
		return queryServer{Server: server, host: nameOnly(server)}, nil
	}
	if plain, found := plainHost(text); found {
		return plain, nil
	}
	return queryServer{}, wrongUse("%s", err)
}

func nameOnly(server resolver.Server) string {
	if server.Addr.Addr().IsValid() {
		return ""
	}
	return server.Name
}

// plainHost reads HOST or HOST:PORT over UDP or TCP. That the name is one is known from
// whether it would do with encryption.
func plainHost(text string) (queryServer, bool) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "udp", text
	}
	transport := resolver.OverUDP
	switch scheme {
	case "udp":
	case "tcp":
		transport = resolver.OverTCP
	default:
		return queryServer{}, false
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = rest, "53"
	}
	named, err := resolver.ParseServer("tls://" + net.JoinHostPort(host, port))
	if err != nil || named.Addr.Addr().IsValid() {
		return queryServer{}, false
	}
	return queryServer{Server: resolver.Server{Addr: named.Addr, Transport: transport}, host: named.Name}, true
}

// candidates are the server under each of its addresses.
func (s queryServer) candidates(ctx context.Context) ([]resolver.Server, error) {
	if s.host == "" {
		return []resolver.Server{s.Server}, nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", s.host)
	if err != nil {
		return nil, err
	}
	var found []resolver.Server
	for _, addr := range addresses {
		one := s.Server
		one.Addr = netip.AddrPortFrom(addr.Unmap(), s.Addr.Port())
		found = append(found, one)
	}
	return found, nil
}

var (
	errOtherQuestion = errors.New("the reply is to another question")
	errPlainCA       = errors.New("--ca and --insecure are for tls://, https://, h3:// and quic://")
)

// ask asks one address of the server after the other until one answers.
func (o *QueryOptions) ask(ctx context.Context, env *environment, server queryServer, message *dns.Msg) (*queryAnswer, error) {
	whom, err := o.trust(env, server)
	if err != nil {
		return nil, err
	}
	candidates, err := server.candidates(ctx)
	if err != nil {
		return nil, err
	}
	client := newClient(whom, o.Timeout)
	defer client.Close()
	var problems []error
	for i, one := range candidates {
		answer, err := askWithin(ctx, client, one, message, len(candidates)-i)
		if err == nil {
			return answer, nil
		}
		problems = append(problems, explained(err, o.Timeout))
	}
	return nil, errors.Join(problems...)
}

// trust says whose certificates are good, and warns where anybody's is.
func (o *QueryOptions) trust(env *environment, server queryServer) (trust, error) {
	whom := trust{insecure: o.Insecure}
	if !server.Transport.Encrypted() {
		if o.Insecure || o.CA != "" {
			return whom, usageError{errPlainCA}
		}
		return whom, nil
	}
	if o.Insecure {
		fmt.Fprintf(env.stderr, "recourse: warning: the certificate of %s is not checked: whoever is on the way can answer\n", server)
	}
	if o.CA == "" {
		return whom, nil
	}
	var err error
	if whom.roots, err = readRoots(o.CA); err != nil {
		return whom, fmt.Errorf("--ca %s: %w", o.CA, err)
	}
	return whom, nil
}

// askWithin gives one address its share of the time that is left.
func askWithin(ctx context.Context, client recurse.Exchanger, server resolver.Server, message *dns.Msg, shares int) (*queryAnswer, error) {
	if deadline, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(shares))
		defer cancel()
	}
	return askOne(ctx, client, server, message)
}

// askOne asks once, and over TCP again where the reply did not fit UDP.
func askOne(ctx context.Context, client recurse.Exchanger, server resolver.Server, message *dns.Msg) (*queryAnswer, error) {
	query, err := message.Pack()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	packet, err := client.Exchange(ctx, server, query, func(reply []byte) bool {
		return len(reply) >= 12 && binary.BigEndian.Uint16(reply) == message.Id && reply[2]&0x80 != 0
	})
	if err != nil {
		return nil, err
	}
	reply, took := new(dns.Msg), time.Since(began)
	if err := reply.Unpack(packet); err != nil {
		return nil, fmt.Errorf("the reply cannot be read: %w", err)
	}
	if len(reply.Question) != 1 || !strings.EqualFold(reply.Question[0].Name, message.Question[0].Name) || reply.Question[0].Qtype != message.Question[0].Qtype {
		return nil, errOtherQuestion
	}
	if reply.Truncated && server.Transport == resolver.OverUDP {
		server.Transport = resolver.OverTCP
		return askOne(ctx, client, server, message)
	}
	return &queryAnswer{server: server, took: took, message: reply}, nil
}

// explained says what to do about errors that people meet.
func explained(err error, timeout time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s: timeout", timeout)
	}
	if flaw := (*tls.CertificateVerificationError)(nil); errors.As(err, &flaw) {
		return fmt.Errorf("%w; --ca FILE names an authority to believe, --insecure believes anybody", err)
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the server closed the connection: %w", err)
	}
	return err
}
