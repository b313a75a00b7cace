package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy/store/postgrestest"
)

// TestADatabaseFailsOver kills the desk's PostgreSQL while cases are filed, and has its standby take over: names go on being
// answered, the desk says 503 meanwhile, takes cases again by itself, and has lost none.
func TestADatabaseFailsOver(t *testing.T) {
	t.Parallel()
	primary, standby := postgrestest.Pair(t)
	if err := primary.Synchronous(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	files := exampleFiles(upstream(t))
	files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "store: sqlite", fmt.Sprintf("store: %q", postgrestest.Either(primary, standby, "postgres")), 1)
	files["lists/gambling.txt"] = "casino.example\n"
	s := start(t, write(t, files), "--config", "recourse.yaml")
	tokens, killed := s.fileUntil(t, 40, 8, primary)
	if err := killed; err != nil {
		t.Fatal(err)
	}
	body := map[string]any{"name": "casino.example", "role": "reporter", "explanation": "The site is a museum, no casino.", "good_faith": true}
	if status, said := s.call(http.MethodPost, "/api/v1/cases", "", body); status != http.StatusServiceUnavailable || !strings.Contains(fmt.Sprint(said), "cannot") {
		t.Errorf("a filing without a database: %d %v", status, said)
	}
	for id, token := range tokens {
		if status, _ := s.call(http.MethodGet, "/api/v1/cases/"+id, token, nil); status != http.StatusServiceUnavailable {
			t.Errorf("a case without a database: %d", status)
		}
		break
	}
	s.answersNames(t)
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.until(t, func() bool {
		one, accepted := s.file(1000)
		if accepted {
			tokens[one.id] = one.token
		}
		return accepted
	})
	var last string
	for id, token := range tokens {
		if status, shown := s.call(http.MethodGet, "/api/v1/cases/"+id, token, nil); status != http.StatusOK {
			t.Errorf("case %s was answered 201, and is %d %v", id, status, shown)
		}
		last = id
	}
	decision := map[string]any{"outcome": "uphold", "facts": "It is a casino.", "ground": "Gambling."}
	if status, ruling := s.call(http.MethodPost, "/api/v1/cases/"+last+"/decision", reviewer, decision); status != http.StatusOK {
		t.Errorf("a decision after it: %d %v", status, ruling)
	}
	s.answersNames(t)
	t.Logf("measured: %d cases answered 201 around the end of a PostgreSQL, none lost", len(tokens))
	s.stop()
}

// answersNames holds the doors to what they do whatever the desk has.
func (s *server) answersNames(t *testing.T) {
	t.Helper()
	if got := s.ask("127.0.0.2", "casino.example", dns.TypeA); len(extended(got)) != 1 {
		t.Errorf("what is blocked: %v", got)
	}
	if got := s.ask("127.0.0.1", "fresh.example", dns.TypeA); len(got.Answer) != 1 {
		t.Errorf("what is not: %v", got)
	}
}

// fileUntil has clients file cases, kills the database after some were taken, and gives the tokens of all that were
// answered 201.
func (s *server) fileUntil(t *testing.T, count, enough int, database *postgrestest.Server) (map[string]string, error) {
	t.Helper()
	var (
		mu      sync.Mutex
		tokens  = map[string]string{}
		next    atomic.Int32
		clients sync.WaitGroup
		once    sync.Once
		killed  error
	)
	for range 4 {
		clients.Go(func() {
			for number := int(next.Add(1)); number <= count; number = int(next.Add(1)) {
				one, accepted := s.file(number)
				mu.Lock()
				if accepted {
					tokens[one.id] = one.token
				}
				taken := len(tokens)
				mu.Unlock()
				if taken >= enough {
					once.Do(func() { killed = database.Kill() })
				}
			}
		})
	}
	clients.Wait()
	if len(tokens) < enough {
		t.Fatalf("%d of %d cases were taken before it was to be killed", len(tokens), enough)
	}
	return tokens, killed
}
