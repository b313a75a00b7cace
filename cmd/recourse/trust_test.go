package main

import (
	"crypto"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const trustConfiguration = `operator: {name: Test, contact: "mailto:test@example.net", portal: "http://127.0.0.1"}
listen: {do53: ["127.0.0.1:0"]}
state: ./state
resolver:
  mode: forward
  forward: ["udp://UPSTREAM"]
  trust_anchors: anchors.zone
  rollover: all
  negative_trust_anchors: [{zone: broken.example, until: 2036-12-31}]
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`

// rootKey is a key of the root with its private half.
func rootKey(t *testing.T) (*dns.DNSKEY, crypto.Signer) {
	t.Helper()
	key := &dns.DNSKEY{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600}, Flags: 257, Protocol: 3, Algorithm: dns.ED25519}
	for {
		private, err := key.Generate(256)
		if err != nil {
			t.Fatal(err)
		}
		if key.KeyTag() != 0 { // the library signs with no key of tag 0
			return key, private.(crypto.Signer)
		}
	}
}

// keyedUpstream gives the keys of the root, signed by the first.
func keyedUpstream(t *testing.T, signer crypto.Signer, keys ...*dns.DNSKEY) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var set []dns.RR
	for _, key := range keys {
		set = append(set, key)
	}
	now := time.Now()
	signature := &dns.RRSIG{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: 3600}, Algorithm: dns.ED25519, KeyTag: keys[0].KeyTag(), SignerName: ".",
		Inception: uint32(now.Add(-time.Hour).Unix()), Expiration: uint32(now.Add(24 * time.Hour).Unix())}
	if err := signature.Sign(signer, set); err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		reply := new(dns.Msg).SetReply(query)
		reply.RecursionAvailable = true
		if query.Question[0].Name == "." && query.Question[0].Qtype == dns.TypeDNSKEY {
			reply.Answer = append(append([]dns.RR{}, set...), signature)
		}
		reply.SetEdns0(1232, true)
		if err := w.WriteMsg(reply); err != nil {
			t.Error(err)
		}
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return socket.LocalAddr().String()
}

// TestTrustOfARunningServer: the commands tell what the server that runs goes by, also
// where its file has been changed since, and how far keys have rolled.
func TestTrustOfARunningServer(t *testing.T) {
	t.Parallel()
	known, signer := rootKey(t)
	coming, _ := rootKey(t)
	other, _ := rootKey(t)
	configuration := strings.Replace(trustConfiguration, "UPSTREAM", keyedUpstream(t, signer, known, coming), 1)
	directory := write(t, map[string]string{
		"recourse.yaml": configuration,
		"anchors.zone":  known.String() + "\n",
	})
	s := start(t, directory, "--config", "recourse.yaml")
	want := []string{
		fmt.Sprintf(". key %d (algorithm 15): valid since ", known.KeyTag()),
		fmt.Sprintf(". key %d (algorithm 15): addpend since ", coming.KeyTag()),
	}
	var said string
	s.until(t, func() bool {
		said, _, _ = command(t, directory, "", "trust", "anchors")
		return strings.Contains(said, want[0]) && strings.Contains(said, want[1])
	})
	if !strings.Contains(said, ", not trusted\n") || strings.Count(said, "\n") != 2 {
		t.Errorf("anchors of a running server:\n%s", said)
	}
	changed := strings.Replace(configuration, "broken.example", "mended.example", 1)
	for file, text := range map[string]string{"recourse.yaml": changed, "anchors.zone": other.String() + "\n"} {
		if err := os.WriteFile(filepath.Join(directory, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, _, _ := command(t, directory, "", "trust", "anchors"); !strings.Contains(said, want[0]) || strings.Contains(said, fmt.Sprint("key ", other.KeyTag())) {
		t.Errorf("anchors of the file, not of the server:\n%s", said)
	}
	if said, _, _ := command(t, directory, "", "trust", "negative"); said != "broken.example: not validated until 2036-12-31T00:00:00Z\n" {
		t.Errorf("negative anchors of a running server: %q", said)
	}
	s.stop()
	if said, _, _ := command(t, directory, "", "trust", "negative"); said != "mended.example: not validated until 2036-12-31T00:00:00Z\n" {
		t.Errorf("negative anchors of a stopped server: %q", said)
	}
	if said, _, _ := command(t, directory, "", "trust", "anchors"); !strings.Contains(said, fmt.Sprintf("key %d (algorithm 15): configured\n", other.KeyTag())) {
		t.Errorf("anchors of a stopped server:\n%s", said)
	}
}
