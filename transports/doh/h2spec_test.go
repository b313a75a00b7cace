package doh

import (
	"encoding/base64"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestH2spec has the conformance suite of that name speak with the door.
func TestH2spec(t *testing.T) {
	program, err := exec.LookPath("h2spec")
	if err != nil {
		t.Skip("needs h2spec (go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible)")
	}
	d := open(t, 10)
	path := Path + "?dns=" + base64.RawURLEncoding.EncodeToString(question(t, "www", dns.TypeA))
	said, err := exec.Command(program, "-t", "-k", "-h", "127.0.0.1", "-p", strconv.Itoa(int(d.Addr().Port())), "-P", path, "-o", "2", "--strict").CombinedOutput()
	if err != nil || !strings.Contains(string(said), " 0 failed") {
		t.Errorf("%v\n%s", err, said)
	}
}

// TestH2load has another implementation of HTTP/2 ask for many things at once.
func TestH2load(t *testing.T) {
	program, err := exec.LookPath("h2load")
	if err != nil {
		t.Skip("needs h2load (Debian package nghttp2-client)")
	}
	d := open(t, 10)
	url := d.url() + "?dns=" + base64.RawURLEncoding.EncodeToString(question(t, "www", dns.TypeA))
	for _, protocol := range []string{"h2", "http/1.1"} {
		said, err := exec.Command(program, "-n", "5000", "-c", "5", "-m", "100", "--npn-list="+protocol, url).CombinedOutput()
		if err != nil || !strings.Contains(string(said), "5000 succeeded, 0 failed, 0 errored, 0 timeout") || !strings.Contains(string(said), "Application protocol: "+protocol) {
			t.Errorf("%s: %v\n%s", protocol, err, said)
		}
	}
}
