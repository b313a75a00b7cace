package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy/store/postgrestest"
)

// TestAStartWithoutTheDatabase: while PostgreSQL is away the server starts, resolves with what
// was decided last, and says in words that the desk is not there; with the database the desk
// comes back by itself.
func TestAStartWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t)
	files := exampleFiles(upstream(t))
	files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "store: sqlite", fmt.Sprintf("store: %q", database.URL("postgres")), 1)
	files["lists/gambling.txt"] = "n1.casino.example\nn2.casino.example\n"
	directory := write(t, files)
	s := start(t, directory, "--config", "recourse.yaml")
	opened, accepted := s.file(1)
	if !accepted {
		t.Fatal("the case was not taken")
	}
	decision := map[string]any{"outcome": "reverse", "facts": "It is a museum.", "ground": "No gambling there."}
	if status, ruling := s.call(http.MethodPost, "/api/v1/cases/"+opened.id+"/decision", reviewer, decision); status != http.StatusOK {
		t.Fatalf("decision: %d %v", status, ruling)
	}
	asDecided := func(s *server) {
		t.Helper()
		if lifted := s.ask("127.0.0.2", "n1.casino.example", dns.TypeA); len(lifted.Answer) != 1 || len(extended(lifted)) != 0 {
			t.Errorf("what was lifted: %v", lifted)
		}
		if blocked := s.ask("127.0.0.2", "n2.casino.example", dns.TypeA); len(extended(blocked)) != 1 {
			t.Errorf("what is blocked: %v", blocked)
		}
	}
	asDecided(s)
	s.stop()

	if err := database.Stop(); err != nil {
		t.Fatal(err)
	}
	s = start(t, directory, "--config", "recourse.yaml")
	asDecided(s)
	status, said := s.call(http.MethodGet, "/api/v1/cases/"+opened.id, opened.token, nil)
	if title, _ := said["title"].(string); status != http.StatusServiceUnavailable || title == "" {
		t.Errorf("the desk without its database: %d %v", status, said)
	}
	if _, accepted := s.file(2); accepted {
		t.Error("a case was taken that nobody keeps")
	}

	if err := database.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.until(t, func() bool {
		status, shown := s.call(http.MethodGet, "/api/v1/cases/"+opened.id, opened.token, nil)
		return status == http.StatusOK && shown["id"] == opened.id
	})
	if _, accepted := s.file(2); !accepted {
		t.Error("the desk is back and takes no case")
	}
	asDecided(s)
	s.stop()
}
