package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/lab"
)

// questions is how many popular names are asked.
const questions = 10_000

// feed is a list of the test, as the configuration and the oracle see it.
type feed struct {
	id, purpose, category, format, scope string
	path                                 string // below the data folder
	answer                               string
}

var feeds = []feed{
	{"piracy", "law", "copyright", "domains", "subtree", "blocklistproject/piracy/domains-piracy-nl.txt", "nxdomain"},
	{"gambling-cz", "law", "gambling-unlicensed", "domains", "subtree", "regulators/cz-mf/blacklist.txt", "refused"},
	{"stevenblack", "security", "malware", "hosts", "exact", "stevenblack/hosts.gz", "nxdomain"},
	{"cert-pl", "security", "phishing", "domains", "exact", "regulators/pl-cert/2023-01-domains.txt.gz", "zero"},
	{"fake", "security", "scam", "wildcard", "exact", "hagezi/2022-fake/wildcard-fake.txt.gz", "nodata"},
	{"fake-domains", "security", "scam", "domains", "subtree", "hagezi/2026/domains-fake.txt.gz", "nxdomain"},
	{"gambling", "user", "gambling", "domains", "subtree", "ut1/gambling/domains.gz", "nodata"},
	{"dating", "user", "dating", "domains", "subtree", "ut1/dating/domains.gz", "nxdomain"},
	{"adult", "user", "adult", "domains", "subtree", "hagezi/2026/domains-nsfw.txt.gz", "nxdomain"},
}

// popular are the files that questions are taken from.
var popular = []string{"popular/opendns-top-domains-2014.txt.gz", "popular/umbrella-top-2026-08.txt.gz", "misp-warninglists/cloudflare-top100k.json.gz"}

// TestRealLists runs the program on real lists and asks it popular names. Its parts share
// the lists, the program and what it has found.
func TestRealLists(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	oracle := newOracle(t, data)
	names := oracle.questions(t, data)
	started := time.Now()
	s := start(t, realConfiguration(t, data), "--lab", "--config", "recourse.yaml")
	loaded := time.Since(started)
	t.Run("verdicts", func(t *testing.T) { oracle.compare(t, s, names) })
	t.Run("doors", func(t *testing.T) { sixDoorsOneVerdict(t, s, oracle.some(names)) })
	s.stop()
	t.Logf("measured: %d entries of %d lists from %s loaded in %v", oracle.size(), len(feeds), oracle.source, loaded.Round(time.Millisecond))
}

// compare asks the names over UDP from three kinds of client, and checks verdict, RCODE and
// Extended DNS Error of every reply against the oracle, which shares no code with the program:
// maps of names.
func (o *oracle) compare(t *testing.T, s *server, names []string) {
	clients := []client{{"127.0.0.1", "IT", nil}, {"127.0.0.2", "CZ", []string{"gambling", "dating", "adult"}}, {"127.0.0.3", "FR", nil}}
	resolves := wildcards(t)
	started := time.Now()
	counts := map[string]int{}
	var mu sync.Mutex
	var group sync.WaitGroup
	work := make(chan int)
	for range 16 {
		group.Go(func() {
			sockets := map[string]*dns.Conn{}
			for i := range work {
				who := clients[i%len(clients)]
				if sockets[who.address] == nil {
					sockets[who.address] = dial(t, s, who.address)
				}
				want := o.judge(names[i], who)
				got, err := verdictOf(sockets[who.address], names[i])
				if err != nil {
					t.Errorf("%s: %v", names[i], err)
					sockets[who.address].Close()
					delete(sockets, who.address) // what comes late must not answer the next
					continue
				}
				if want.purpose == "" {
					want.rcode = dns.RcodeNameError
					if domain := names[i][strings.LastIndexByte(names[i], '.')+1:]; resolves[domain] {
						want.rcode = dns.RcodeSuccess
					}
				}
				if got != want {
					t.Errorf("%s for %s: got %+v, the oracle says %+v", names[i], who.address, got, want)
				}
				mu.Lock()
				counts[got.purpose]++
				mu.Unlock()
			}
			for _, socket := range sockets {
				socket.Close()
			}
		})
	}
	for i := range names {
		work <- i
	}
	close(work)
	group.Wait()
	took := time.Since(started)
	if counts["law"] == 0 || counts["security"] == 0 || counts["user"] == 0 || counts[""] == 0 {
		t.Errorf("a kind of verdict never came up, so nothing was shown of it: %v", counts)
	}
	t.Logf("measured: %d names resolved or blocked in %v over UDP (%.0f a second): %d law, %d security, %d user, %d passed",
		len(names), took.Round(time.Millisecond), float64(len(names))/took.Seconds(), counts["law"], counts["security"], counts["user"], counts[""])
}

// wildcards are the top-level domains of the miniature Internet below which all resolves.
func wildcards(t *testing.T) map[string]bool {
	t.Helper()
	internet, err := lab.New(lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	resolves := map[string]bool{}
	for _, domain := range internet.WildcardTLDs() {
		resolves[domain] = true
	}
	return resolves
}

type client struct {
	address, jurisdiction string
	categories            []string
}

// verdict is what is compared. The purpose is that of the Extended DNS Error.
type verdict struct {
	purpose string
	rcode   int
	empty   bool // a block without records in the answer
}

func dial(t *testing.T, s *server, from string) *dns.Conn {
	dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.Dial("udp", s.dns)
	if err != nil {
		t.Fatal(err)
	}
	return &dns.Conn{Conn: conn, UDPSize: 1232}
}

func verdictOf(conn *dns.Conn, name string) (verdict, error) {
	message := new(dns.Msg).SetQuestion(name+".", dns.TypeA)
	message.SetEdns0(1232, false)
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return verdict{}, err
	}
	if err := conn.WriteMsg(message); err != nil {
		return verdict{}, err
	}
	reply, err := conn.ReadMsg()
	if err != nil {
		return verdict{}, err
	}
	if reply.Id != message.Id {
		return verdict{}, fmt.Errorf("reply to another question: %v", reply)
	}
	got := verdict{rcode: reply.Rcode}
	for _, one := range extended(reply) {
		if one.InfoCode == 29 { // made from what was validated before (RFC 8198); no block
			continue
		}
		purpose, known := map[uint16]string{16: "law", 15: "security", 17: "user"}[one.InfoCode]
		if !known || got.purpose != "" || !strings.Contains(one.ExtraText, "http://portal.example/r/") {
			return verdict{}, fmt.Errorf("extended error %d %q is not expected", one.InfoCode, one.ExtraText)
		}
		got.purpose = purpose
	}
	got.empty = got.purpose != "" && len(reply.Answer) == 0
	return got, nil
}

// oracle knows the lists as plain maps.
type oracle struct {
	source string
	lists  []map[string]bool // name to whether it stands in the list, in the order of feeds
}

func newOracle(t *testing.T, data string) *oracle {
	o := &oracle{source: "real data"}
	if filepath.Base(filepath.Dir(data)) == "sample" {
		o.source = "a generated sample (real data is absent)"
	}
	for _, f := range feeds {
		names := map[string]bool{}
		for _, line := range readLines(t, filepath.Join(data, f.path)) {
			for _, name := range oracleNames(f.format, line) {
				names[name] = true
			}
		}
		o.lists = append(o.lists, names)
	}
	return o
}

func (o *oracle) size() int {
	size := 0
	for _, names := range o.lists {
		size += len(names)
	}
	return size
}

// oracleNames reads one line the naive way.
func oracleNames(format, line string) []string {
	line, _, _ = strings.Cut(line, "#")
	fields := strings.Fields(line)
	switch {
	case len(fields) == 0:
		return nil
	case format == "hosts":
		fields = fields[1:]
	}
	var names []string
	for _, field := range fields {
		name := strings.TrimSuffix(strings.ToLower(field), ".")
		if strings.Contains(name, ".") && net.ParseIP(name) == nil && name != "localhost.localdomain" {
			names = append(names, name)
		}
	}
	return names
}

// has says whether a list covers a name.
func (o *oracle) has(list int, name string) bool {
	f, names := feeds[list], o.lists[list]
	if names[name] {
		return true
	}
	for parent := name; ; {
		_, rest, found := strings.Cut(parent, ".")
		if !found {
			return false
		}
		parent = rest
		if f.format == "wildcard" && names["*."+parent] || f.scope == "subtree" && names[parent] {
			return true
		}
	}
}

// judge is the precedence of the design: law of the client's jurisdiction, then
// security, then what the profile asked for; in file order.
func (o *oracle) judge(name string, who client) verdict {
	for _, purpose := range []string{"law", "security", "user"} {
		for i, f := range feeds {
			counts := purpose == "security" || purpose == "law" && who.jurisdiction == jurisdictionOf(f) || purpose == "user" && slices.Contains(who.categories, f.category)
			if f.purpose == purpose && counts && o.has(i, name) {
				rcode := map[string]int{"nxdomain": dns.RcodeNameError, "refused": dns.RcodeRefused, "zero": 0, "nodata": 0}[f.answer]
				return verdict{purpose: purpose, rcode: rcode, empty: f.answer != "zero"}
			}
		}
	}
	return verdict{}
}

func jurisdictionOf(f feed) string {
	if strings.HasSuffix(f.id, "-cz") {
		return "CZ"
	}
	return "IT"
}

// questions are popular names, those that some list covers first, so that every
// kind of verdict comes up.
func (o *oracle) questions(t *testing.T, data string) []string {
	var covered, others []string
	seen := map[string]bool{}
	for _, file := range popular {
		for _, line := range readLines(t, filepath.Join(data, file)) {
			name := strings.ToLower(strings.Trim(strings.TrimSpace(line), `",.`))
			if seen[name] || strings.ContainsAny(name, " {}[]:/*") || !strings.Contains(name, ".") || len(name) > 200 || isLocal(name) || isExample(name) {
				continue
			}
			if _, valid := dns.IsDomainName(name); !valid {
				continue
			}
			seen[name] = true
			if slices.ContainsFunc(indexes(), func(i int) bool { return o.has(i, name) }) {
				covered = append(covered, name)
			} else {
				others = append(others, name)
			}
		}
	}
	if len(covered) > questions/2 {
		covered = covered[:questions/2]
	}
	names := append(covered, others[:min(len(others), questions-len(covered))]...)
	if len(names) < questions {
		t.Fatalf("only %d names to ask", len(names))
	}
	// Shuffled, so that every kind of client meets every kind of name; always alike.
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// some are a tenth of the names, and more of those that the law blocks, as these are few; with
// FULL=1 they are all.
func (o *oracle) some(names []string) []string {
	if full() {
		return names
	}
	few := slices.Clone(names[:len(names)/10])
	for _, name := range names[len(few):] {
		if len(few) == len(names)/9 {
			break
		}
		if slices.ContainsFunc(indexes(), func(i int) bool { return feeds[i].purpose == "law" && o.has(i, name) }) {
			few = append(few, name)
		}
	}
	return few
}

func indexes() []int {
	all := make([]int, len(feeds))
	for i := range all {
		all[i] = i
	}
	return all
}

// isLocal leaves out what is answered without asking anybody.
func isLocal(name string) bool {
	for _, zone := range []string{"localhost", "test", "invalid", "onion", "arpa"} {
		if name == zone || strings.HasSuffix(name, "."+zone) {
			return true
		}
	}
	return false
}

// isExample leaves out the zone that the miniature Internet fills with faults.
func isExample(name string) bool { return strings.HasSuffix(name, ".example") }

func readLines(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var reader io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if reader, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	if strings.HasSuffix(path, ".json.gz") {
		var list struct {
			List []string `json:"list"`
		}
		if err := json.NewDecoder(reader).Decode(&list); err != nil {
			t.Fatal(err)
		}
		return list.List
	}
	var lines []string
	scanner := bufio.NewScanner(reader)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// realConfiguration writes the lists, unpacked, and a configuration for them with all doors.
func realConfiguration(t *testing.T, data string) string {
	t.Helper()
	files := map[string]string{}
	var text strings.Builder
	text.WriteString(`operator: {name: Real lists, contact: "mailto:redress@portal.example", portal: "http://portal.example"}
listen: {dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], doq: ["127.0.0.1:0"], do53: ["127.0.0.1:0"], web: ["127.0.0.1:0"]}
state: ./state
resolver: {mode: recurse}
bundle: {guard: off} # the oracle takes the lists as they are
blocklists:
`)
	for _, f := range feeds {
		files[f.id] = strings.Join(readLines(t, filepath.Join(data, f.path)), "\n") + "\n"
		fmt.Fprintf(&text, "  - {id: %s, purpose: %s, category: %s, title: {en: %s}, source: {file: %s}, format: %s, scope: %s, answer: %s, review_every: 90d, ", f.id, f.purpose, f.category, f.id, f.id, f.format, f.scope, f.answer)
		if f.purpose == "law" {
			fmt.Fprintf(&text, `authority: {name: Court of %s, kind: court, country: %s}, legal_basis: [{act: Act}], jurisdiction: [%s], redress: {venues: [{kind: court, name: Court}], deadline_from: knowledge}, at_enforce_by: hold}`, f.id, jurisdictionOf(f), jurisdictionOf(f))
		} else {
			text.WriteString("publisher: {name: Publisher}}")
		}
		text.WriteByte('\n')
	}
	text.WriteString(`profiles:
  - {id: all, requested: {by: test, at: 2026-11-01}, categories: [gambling, dating, adult]}
clients:
  - {match: {networks: ["127.0.0.1/32"]}, jurisdiction: IT}
  - {match: {networks: ["127.0.0.2/32"]}, jurisdiction: CZ, profile: all}
  - {match: {networks: ["127.0.0.3/32"]}, jurisdiction: FR}
`)
	files["recourse.yaml"] = text.String()
	return write(t, files)
}

// dataFolder is where the real lists are; where they are not, a sample of the same
// shape is generated.
func dataFolder(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("RECOURSE_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	return generateSample(t)
}

// generateSample writes made-up lists where the real ones would be: each popular
// name has a number, and each list covers those numbers that its own divides.
func generateSample(t *testing.T) string {
	t.Helper()
	domains := []string{"com", "net", "org", "de", "it", "fr", "unknown"}
	name := func(i int) string { return fmt.Sprintf("site%d.%s", i, domains[i%len(domains)]) }
	files := map[string]string{}
	for list, f := range feeds {
		var text strings.Builder
		for i := range 20_000 {
			if i%(7+list) != 0 {
				continue
			}
			switch f.format {
			case "hosts":
				fmt.Fprintf(&text, "0.0.0.0 %s\n", name(i))
			case "wildcard":
				fmt.Fprintf(&text, "*.%s\n", name(i))
			default:
				fmt.Fprintln(&text, name(i))
			}
		}
		files[f.path] = text.String()
	}
	var asked []string
	for i := range 12_000 {
		asked = append(asked, []string{"", "www."}[i%2]+name(i))
	}
	files[popular[0]], files[popular[1]] = strings.Join(asked[:6000], "\n"), strings.Join(asked[6000:], "\n")
	list, err := json.Marshal(map[string]any{"list": []string{name(0)}})
	if err != nil {
		t.Fatal(err)
	}
	files[popular[2]] = string(list)
	for path, text := range files {
		if strings.HasSuffix(path, ".gz") {
			var packed strings.Builder
			writer := gzip.NewWriter(&packed)
			if _, err := io.WriteString(writer, text); err != nil {
				t.Fatal(err)
			}
			if err := writer.Close(); err != nil {
				t.Fatal(err)
			}
			files[path] = packed.String()
		}
	}
	sample := map[string]string{}
	for path, text := range files {
		sample[filepath.Join("sample", "data", path)] = text
	}
	return filepath.Join(write(t, sample), "sample", "data")
}
