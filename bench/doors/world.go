package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/bench/authority"
	"github.com/recourse-dns/recourse/bench/peer"
)

// world is what all servers are started in.
type world struct {
	settings
	upstream         *authority.Server
	certificate, key string
	asked            string // the file of names
}

func newWorld(s settings) (*world, error) {
	upstream, err := authority.Listen(netip.MustParseAddrPort("127.0.0.1:0"), everything)
	if err != nil {
		return nil, err
	}
	w := &world{settings: s, upstream: upstream, certificate: filepath.Join(s.dir, "certificate.pem"), key: filepath.Join(s.dir, "key.pem"), asked: filepath.Join(s.dir, "names")}
	if err := writeCertificate(w.certificate, w.key); err != nil {
		return nil, err
	}
	var names strings.Builder
	for i := range s.names {
		fmt.Fprintf(&names, "%s A\n", nameOf(i))
	}
	return w, os.WriteFile(w.asked, []byte(names.String()), 0o600)
}

func (w *world) close() { w.upstream.Close() }

// nameOf is a name to ask for.
func nameOf(i int) string { return fmt.Sprintf("www%d.example", i) }

// everything has an address, to be kept for a day.
func everything(_ netip.Addr, packet []byte, _ bool) [][]byte {
	query := new(dns.Msg)
	if query.Unpack(packet) != nil || len(query.Question) != 1 {
		return nil
	}
	reply := new(dns.Msg).SetReply(query)
	reply.RecursionAvailable = true
	if query.Question[0].Qtype == dns.TypeA {
		reply.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 86400}, A: net.IPv4(192, 0, 2, 1),
		}}
	}
	if opt := query.IsEdns0(); opt != nil {
		reply.SetEdns0(1232, opt.Do())
	}
	octets, err := reply.Pack()
	if err != nil {
		return nil // whoever asks asks again
	}
	return [][]byte{octets}
}

// zone is the names for a server that asks nobody.
func (w *world) zone() string {
	var text strings.Builder
	text.WriteString("$TTL 86400\n@ SOA ns hostmaster 1 7200 3600 1209600 86400\n@ NS ns\nns A 192.0.2.1\n")
	for i := range w.names {
		fmt.Fprintf(&text, "www%d A 192.0.2.1\n", i)
	}
	return text.String()
}

// start starts a server in a folder of its own.
func (w *world) start(ctx context.Context, r peer.Resolver, core, threads int, ours string) (*peer.Process, peer.Setup, error) {
	dir, err := os.MkdirTemp(w.dir, r.Name)
	if err != nil {
		return nil, peer.Setup{}, err
	}
	var ports [4]netip.AddrPort
	for i := range ports {
		if ports[i], err = peer.FreePort(); err != nil {
			return nil, peer.Setup{}, err
		}
	}
	setup := peer.Setup{Dir: dir, Listen: ports[0], Core: core, Threads: threads, Behind: &peer.Behind{
		Upstream: w.upstream.Addr(), DoT: ports[1], DoH: ports[2], DoQ: ports[3],
		Certificate: w.certificate, Key: w.key, Ready: nameOf(0) + ".", Zone: w.zone(), Ours: ours,
	}}
	process, err := peer.Start(ctx, r, setup)
	return process, setup, err
}

// writeCertificate makes a key on P-256, as most servers have, and a certificate that it signs
// itself.
func writeCertificate(certificate, key string) error {
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"dns.bench.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &made.PublicKey, made)
	if err != nil {
		return err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		return err
	}
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "PRIVATE KEY", Bytes: encoded}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
