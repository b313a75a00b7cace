package redresstest

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// DNS is the Internet of the test: records by name and type. A name with a star for
// its first label answers for all names below that have no record of their own.
type DNS struct {
	mu      sync.Mutex
	records map[string][]dns.RR
	errs    map[string]error
	asked   []resolver.Query
}

// NewDNS is an Internet where nothing exists.
func NewDNS() *DNS {
	return &DNS{records: make(map[string][]dns.RR), errs: make(map[string]error)}
}

// Add puts a record, in presentation format, into the DNS.
func (d *DNS) Add(text string) {
	record, err := dns.NewRR(text)
	if err != nil {
		panic(err) // the test itself spells it out
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	owner := strings.ToLower(record.Header().Name)
	d.records[owner] = append(d.records[owner], record)
}

// Fail lets every question for a name fail.
func (d *DNS) Fail(name string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.errs[dns.Fqdn(name)] = err
}

// Asked are the questions so far.
func (d *DNS) Asked() []resolver.Query {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]resolver.Query(nil), d.asked...)
}

// Resolve implements resolver.Handler.
func (d *DNS) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, *query)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	owner := query.Question.Name.FQDN()
	if err := d.errs[owner]; err != nil {
		return nil, err
	}
	reply := query.Message()
	for range 8 {
		records, found := d.find(owner)
		if !found && len(reply.Answer) == 0 {
			reply.Rcode = dns.RcodeNameError
		}
		next := ""
		for _, record := range records {
			if alias, ok := record.(*dns.CNAME); ok {
				next = alias.Target
			}
			if record.Header().Rrtype == query.Question.Type || next != "" {
				copied := dns.Copy(record)
				copied.Header().Name = owner
				reply.Answer = append(reply.Answer, copied)
			}
		}
		if next == "" {
			break
		}
		owner = next
	}
	return resolver.NewAnswer(reply, time.Now()), nil
}

func (d *DNS) find(owner string) ([]dns.RR, bool) {
	if records, found := d.records[owner]; found {
		return records, true
	}
	for name := owner; ; {
		_, above, found := strings.Cut(name, ".")
		if !found || above == "" {
			return nil, false
		}
		if records, found := d.records["*."+above]; found {
			return records, true
		}
		name = above
	}
}

// Log keeps what was logged, so that a test can see that no name is in it.
type Log struct {
	mu  sync.Mutex
	all bytes.Buffer
}

// Logger logs into it, at every level.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Write implements io.Writer.
func (l *Log) Write(octets []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(octets)
}

// String is all that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}
