package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const kitFolder = "../../policy/testdata/kit"

// zoneServer serves a zone file over UDP and TCP, wildcards and aliases included.
type zoneServer struct {
	apex    string
	start   dns.RR
	records map[string][]dns.RR // by owner
}

// serveZone serves the file and gives the address.
func serveZone(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	made := &zoneServer{records: map[string][]dns.RR{}}
	parser := dns.NewZoneParser(file, "", path)
	for record, more := parser.Next(); more; record, more = parser.Next() {
		owner := record.Header().Name
		if record.Header().Rrtype == dns.TypeSOA {
			made.apex, made.start = owner, record
		}
		made.records[owner] = append(made.records[owner], record)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenPacket("udp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{PacketConn: socket, Handler: made}, {Listener: listener, Handler: made}} {
		go server.ActivateAndServe()
		t.Cleanup(func() { server.Shutdown() })
	}
	return listener.Addr().String()
}

func (a *zoneServer) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg).SetReply(query)
	reply.Authoritative, reply.RecursionAvailable = true, true
	question := query.Question[0]
	name, found := strings.ToLower(question.Name), false
	for range 8 {
		var records []dns.RR
		records, found = a.at(name)
		next := ""
		for _, record := range records {
			made := dns.Copy(record)
			made.Header().Name = name
			if alias, is := made.(*dns.CNAME); is && question.Qtype != dns.TypeCNAME {
				next = alias.Target
			} else if made.Header().Rrtype != question.Qtype && question.Qtype != dns.TypeANY {
				continue
			}
			reply.Answer = append(reply.Answer, made)
		}
		if next == "" {
			break
		}
		name = next
	}
	if !found {
		reply.Rcode = dns.RcodeNameError
	}
	if len(reply.Answer) == 0 || !found {
		reply.Ns = []dns.RR{a.start}
	}
	_ = w.WriteMsg(reply) // who asked is gone
}

// at are the records of a name or of the wildcard at its closest encloser (RFC 4592).
func (a *zoneServer) at(name string) (records []dns.RR, found bool) {
	if own := a.records[name]; own != nil {
		return own, true
	}
	for owner := range a.records {
		if strings.HasSuffix(owner, "."+name) {
			return nil, true // an empty non-terminal
		}
	}
	_, parent, _ := strings.Cut(name, ".")
	for ; strings.HasSuffix(parent, a.apex); _, parent, _ = strings.Cut(parent, ".") {
		if wild := a.records["*."+parent]; wild != nil {
			return wild, true
		}
		for owner := range a.records {
			if owner == parent || strings.HasSuffix(owner, "."+parent) {
				return nil, false
			}
		}
	}
	return nil, false
}

// kitCopy is the kit in a folder of its own, with ports that are free.
func kitCopy(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	if err := os.CopyFS(directory, os.DirFS(kitFolder)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, "recourse.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	upstream := serveZone(t, filepath.Join(directory, "upstream.zone"))
	text = bytes.ReplaceAll(text, []byte("127.0.0.1:5399"), []byte(upstream))
	text = regexp.MustCompile(`\["127\.0\.0\.1:(5300|8853|8443|8080)"\]`).ReplaceAll(text, []byte(`["127.0.0.1:0"]`))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return directory
}

// decideExceptions does what exceptions.txt says: files a case for each name and reverses it.
func decideExceptions(t *testing.T, s *server, directory string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(directory, "exceptions.txt"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(filepath.Join(directory, "reviewer.token"))
	if err != nil {
		t.Fatal(err)
	}
	decided := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[0] == "#" {
			continue
		}
		status, filed := s.call("POST", "/api/v1/cases", "", map[string]any{"name": fields[1], "role": "owner", "explanation": "The kit says so.", "good_faith": true})
		if status != 201 {
			t.Fatalf("%s: %d %v", line, status, filed)
		}
		decision := map[string]any{"outcome": "reverse", "question": "implementation", "facts": "The kit says so.", "ground": "The kit says so."}
		if !strings.HasPrefix(fields[0], "law") {
			decision["question"] = "merits"
		}
		if status, ruling := s.call("POST", "/api/v1/cases/"+filed["id"].(string)+"/decision", strings.TrimSpace(string(token)), decision); status != 200 {
			t.Fatalf("%s: %d %v", line, status, ruling)
		}
		decided++
	}
	if decided == 0 {
		t.Fatal("exceptions.txt has none")
	}
}

// submitOrders submits all of orders/.
func submitOrders(t *testing.T, s *server, directory string) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(directory, "court.token"))
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(directory, "orders", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no orders: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if status, reply := s.call("POST", "/api/v1/orders", strings.TrimSpace(string(token)), json.RawMessage(text)); status != 201 {
			t.Fatalf("%s: %d %v", path, status, reply)
		}
	}
}

// playKit runs the command from outside and wants all cases passed.
func playKit(t *testing.T, args ...string) {
	t.Helper()
	command := program(t, t.TempDir(), append([]string{"kit"}, args...)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil || !bytes.Contains(output, []byte(" 0 failed")) {
		t.Errorf("recourse kit %s: %v\n%s%s", strings.Join(args, " "), err, output, stderr.Bytes())
	}
	t.Logf("%s", output[bytes.LastIndexByte(bytes.TrimSpace(output), '\n')+1:])
}

// TestVerdictKit plays the verdict kit through all doors.
func TestVerdictKit(t *testing.T) {
	directory := kitCopy(t)
	s := start(t, directory, "--config", "recourse.yaml")
	doors := doorsOf(t, s)
	recourse(t, directory, 1, "kit", "@udp://"+doors["UDP"], ".", "--level", "rcode", "--only", "law-excepted") // not decided yet
	recourse(t, directory, 1, "kit", "@udp://"+doors["UDP"], ".", "--level", "rcode", "--only", "order-subtree")
	decideExceptions(t, s, directory)
	submitOrders(t, s, directory)
	for _, server := range []string{
		"udp://" + doors["UDP"], "tcp://" + doors["UDP"], "tls://" + doors["TLS"], "quic://" + doors["QUIC"], doors["HTTP/2"], strings.Replace(doors["HTTP/2"], "https:", "h3:", 1),
	} {
		scheme, _, _ := strings.Cut(server, ":")
		t.Run(scheme, func(t *testing.T) {
			args := []string{"@" + server, directory, "--level", "json"}
			if scheme != "udp" && scheme != "tcp" {
				args = append(args, "--insecure")
			}
			playKit(t, args...)
		})
	}
	s.stop()
}

// kitPorts puts free ports and the folder into a configuration of the kit.
func kitPorts(t *testing.T, directory, name string) (port string) {
	t.Helper()
	path, free := filepath.Join(directory, name), freePort(t)
	_, upstream, err := net.SplitHostPort(serveZone(t, filepath.Join(directory, "upstream.zone")))
	if err != nil {
		t.Fatal(err)
	}
	replaceIn(t, path, "5399", upstream)
	port = fmt.Sprint(free.Port())
	replaceIn(t, path, "5300", port)
	replaceIn(t, path, `directory: "."`, fmt.Sprintf("directory: %q", directory))
	replaceIn(t, path, `directory "."`, fmt.Sprintf("directory %q", directory))
	return port
}

// TestVerdictKitOnOthers: the kit holds resolvers that know no purposes to what they can do.
func TestVerdictKitOnOthers(t *testing.T) {
	for name, other := range map[string]struct {
		pkg, lacking string
		args         []string
	}{
		"unbound": {"unbound", "refused,aliases", []string{"-d", "-c", "unbound.conf"}},
		"named":   {"bind9", "refused,clients", []string{"-g", "-c", "named.conf"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := installed(t, name, other.pkg)
			directory := kitCopy(t)
			configuration := other.args[len(other.args)-1]
			port := kitPorts(t, directory, configuration)
			other.args[len(other.args)-1] = filepath.Join(directory, configuration)
			startSecondary(t, directory, name, path, other.args...)
			address := netip.MustParseAddrPort("127.0.0.1:" + port)
			for deadline := time.Now().Add(30 * time.Second); outcomeAt(address, "subtree.security.kit.example.") != "nxdomain"; tickOrFail(t) {
				if time.Now().After(deadline) {
					t.Fatal("it does not begin to block")
				}
			}
			playKit(t, "@udp://"+address.String(), directory, "--level", "rcode", "--lacking", other.lacking)
		})
	}
}
