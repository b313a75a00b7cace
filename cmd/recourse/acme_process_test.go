package main

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

const orderingConfiguration = `
operator: {name: Example, contact: "mailto:a@example.net", portal: "https://dns.isp.test"}
listen: {do53: ["127.0.0.1:0"], web_tls: ["127.0.0.1:WEB"]}
tls: {acme: {directory: "DIRECTORY", ca: roots.pem, CHALLENGE}}
state: ./state
resolver: {mode: recurse}
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`

const bindZone = `$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
* IN A 127.0.0.1
ns IN A 127.0.0.1
`

// startZone runs a BIND that holds a zone, and lets a key change TXT records in it.
func startZone(t *testing.T) netip.AddrPort {
	t.Helper()
	named, address := installed(t, "named", "bind9"), freePort(t)
	directory := write(t, map[string]string{"isp.zone": bindZone, "named.conf": fmt.Sprintf(`
key acme-key { algorithm hmac-sha256; secret "%s"; };
options { directory "DIRECTORY"; pid-file none; session-keyfile none; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; dnssec-validation no; };
controls { };
zone "isp.test" { type primary; file "isp.zone"; update-policy { grant acme-key zonesub TXT; }; };
`, transferKey, address.Port())})
	replaceIn(t, filepath.Join(directory, "named.conf"), "DIRECTORY", directory)
	startSecondary(t, directory, "bind", named, "-g", "-c", filepath.Join(directory, "named.conf"))
	for deadline := time.Now().Add(30 * time.Second); ; tickOrFail(t) {
		reply, err := dns.Exchange(new(dns.Msg).SetQuestion("isp.test.", dns.TypeSOA), address.String())
		if err == nil && reply.Rcode == dns.RcodeSuccess {
			return address
		}
		if time.Now().After(deadline) {
			t.Fatalf("BIND does not serve the zone: %v, %v", reply, err)
		}
	}
}

// TestOrderedThroughTheBinary: by each challenge, from an authority that looks at a real
// name server and at our own listener.
func TestOrderedThroughTheBinary(t *testing.T) {
	t.Parallel()
	zone, web := startZone(t), freePort(t)
	pebble := tlsconftest.StartPebble(t, zone, int(web.Port()), nil)
	for name, challenge := range map[string]string{
		"tls-alpn-01": "names: [dns.isp.test, 127.0.0.1]",
		"dns-01":      fmt.Sprintf(`names: [dns.isp.test, "*.isp.test"], challenge: dns-01, update: {server: "127.0.0.1@%d", wait: 0s, tsig: {name: acme-key, algorithm: hmac-sha256, secret_file: acme.key}}`, zone.Port()),
	} {
		t.Run(name, func(t *testing.T) {
			directory := write(t, map[string]string{"recourse.yaml": orderingConfiguration, "acme.key": transferKey, "roots.pem": string(pebble.RootsPEM)})
			for old, text := range map[string]string{"WEB": fmt.Sprint(web.Port()), "DIRECTORY": pebble.Directory, "CHALLENGE": challenge} {
				replaceIn(t, filepath.Join(directory, "recourse.yaml"), old, text)
			}
			s := start(t, directory, "--lab", "--config", "recourse.yaml")
			awaitIssuer(t, s, web, "Pebble")
			s.stop()
			kept, err := filepath.Glob(filepath.Join(directory, "state", "acme", "certificates", "*", "certificate.pem"))
			if err != nil || len(kept) != 1 {
				t.Errorf("kept: %v, %v", kept, err)
			}
			if about, err := os.Stat(kept[0]); err != nil || about.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", about, err)
			}
		})
	}
}

// awaitIssuer waits until a certificate of the issuer is presented for the door's name.
func awaitIssuer(t *testing.T, s *server, at netip.AddrPort, issuer string) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; tickOrFail(t) {
		conn, err := tls.Dial("tcp", at.String(), &tls.Config{ServerName: "dns.isp.test", InsecureSkipVerify: true}) // whose it is, is looked at
		if err != nil {
			t.Fatal(err)
		}
		leaf := conn.ConnectionState().PeerCertificates[0]
		conn.Close()
		if len(leaf.Issuer.CommonName) >= len(issuer) && leaf.Issuer.CommonName[:len(issuer)] == issuer && leaf.VerifyHostname("dns.isp.test") == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the certificate is still by %s:\n%s", leaf.Issuer, s.stderr)
		}
	}
}
