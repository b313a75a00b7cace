package lab_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/lab"
)

// tool gives the path of a program of the system, or skips the test.
func tool(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("needs %s (Debian package %s)", name, debian)
	}
	return path
}

// delv is BIND's validator. Asked through the update server, which serves all
// zones, it judges signatures and proofs by code that is not ours.
func TestValidatorOfBIND(t *testing.T) {
	delv := tool(t, "delv", "bind9-dnsutils")
	internet := build(t, lab.Config{})
	updates := must(internet.Updates("127.0.0.1:0"))(t)
	t.Cleanup(func() { updates.Close() })
	host, port, _ := net.SplitHostPort(updates.Addr())
	anchors := writeAnchors(t, internet)
	for _, sample := range internet.Names() {
		t.Run(sample.Name+"/"+dns.TypeToString[sample.Type], func(t *testing.T) {
			t.Parallel()
			output, _ := exec.Command(delv, "@"+host, "-p", port, "-a", anchors, "+root=.", "+nosplit", sample.Name, dns.TypeToString[sample.Type]).CombinedOutput()
			if want := verdict(sample); want != "" && !strings.Contains(string(output), want) {
				t.Errorf("%s: want %q in\n%s", sample.About, want, output)
			}
		})
	}
}

func verdict(sample lab.Sample) string {
	switch {
	case sample.EDE == 27 || sample.EDE == 2:
		return "" // versions differ in which iterations and digests they know how to treat
	case sample.Name == "missing.optout.example":
		return "negative response" // delv shows the trust in its records, not the AD that RFC 5155, section 9.2, denies
	case sample.Rcode == dns.RcodeServerFailure && sample.EDE != 22 && sample.EDE != 0:
		return "resolution failed"
	case sample.Secure:
		return "fully validated"
	case sample.Rcode != dns.RcodeServerFailure:
		return "unsigned answer"
	}
	return "" // an authority that cannot be reached; here it is asked all the same
}

func writeAnchors(t *testing.T, internet *lab.Internet) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("trust-anchors {\n")
	for _, rr := range internet.Anchors() {
		signer := rr.(*dns.DS)
		fmt.Fprintf(&text, "\".\" static-ds %d %d %d \"%s\";\n", signer.KeyTag, signer.Algorithm, signer.DigestType, strings.ToUpper(signer.Digest))
	}
	text.WriteString("};\n")
	path := filepath.Join(t.TempDir(), "anchors")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
