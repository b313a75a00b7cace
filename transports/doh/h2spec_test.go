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
		t.Skip("needs h2spec (go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1)")
	}
	d := open(t, 10)
	path := Path + "?dns=" + base64.RawURLEncoding.EncodeToString(question(t, "www", dns.TypeA))
	said, err := exec.Command(program, "-t", "-k", "-h", "127.0.0.1", "-p", strconv.Itoa(int(d.Addr().Port())), "-P", path, "-o", "2", "--strict").CombinedOutput()
	if err != nil || !strings.Contains(string(said), " 0 failed") {
		t.Errorf("%v\n%s", err, said)
	}
}
