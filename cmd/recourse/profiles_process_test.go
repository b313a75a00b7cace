package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const homeToken = "household-token-of-the-test-0123456789"

// profileFiles are the example's, with safe search, a service and tokens of a household.
func profileFiles(t testing.TB) map[string]string {
	files := exampleFiles(upstream(t))
	files["recourse.yaml"] = strings.NewReplacer(
		"tokens: [", "tokens: [{name: parent, role: household, profiles: [kids, attic], file: household.token}, {name: crm, role: provisioning, file: crm.token}, ",
		"categories: [gambling]", "categories: [gambling], services: [tiktok], safe_search: {google: true, youtube: strict}",
	).Replace(files["recourse.yaml"])
	files["household.token"], files["crm.token"] = homeToken+"\n", "crm-"+homeToken+"\n"
	return files
}

const (
	kidsPath = "/api/v1/profiles/kids"
	kids     = "127.0.0.2"
)

// blocks says with which Extended DNS Error a client's question is answered; 0 for none.
func (s *server) blocks(from, name string, qtype uint16) (uint16, *dns.Msg) {
	s.t.Helper()
	reply := s.ask(from, name, qtype)
	if errors := extended(reply); len(errors) > 0 {
		return errors[0].InfoCode, reply
	}
	return 0, reply
}

func (s *server) wantEDE(t *testing.T, from, name string, want uint16) {
	t.Helper()
	if got, reply := s.blocks(from, name, dns.TypeA); got != want {
		t.Errorf("%s from %s: Extended DNS Error %d, want %d\n%v", name, from, got, want, reply)
	}
}

// TestProfilesOfTheFile: what a profile asks for is answered at the door, and its reason explained.
func TestProfilesOfTheFile(t *testing.T) {
	t.Parallel()
	directory := write(t, profileFiles(t))
	s := start(t, directory, "--config", "recourse.yaml")
	s.wantEDE(t, kids, "www.tiktok.com", 17)
	s.wantEDE(t, "127.0.0.1", "www.tiktok.com", 0)
	s.wantEDE(t, kids, "www.google.it", 4)
	s.wantEDE(t, "127.0.0.1", "www.google.it", 0)
	s.wantEDE(t, kids, "mail.google.com", 0)
	_, reply := s.blocks(kids, "www.youtube.com", dns.TypeA)
	if len(reply.Answer) != 2 || reply.Answer[0].(*dns.CNAME).Target != "restrict.youtube.com." {
		t.Errorf("youtube: %v", reply)
	}
	if code, reply := s.blocks(kids, "www.google.com", dns.TypeHTTPS); code != 4 || len(reply.Answer) != 1 {
		t.Errorf("a service binding: %d %v", code, reply)
	}
	if code, reply := s.blocks(kids, "www.google.com", dns.TypeMX); code != 0 {
		t.Errorf("mail of a search engine: %d %v", code, reply)
	}
	explained := s.recourse(t, directory, "explain", "--config", "recourse.yaml", "--client", kids, "www.google.com")
	if !strings.Contains(explained, "rewrite") || !strings.Contains(explained, "forcesafesearch.google.com") {
		t.Errorf("explained:\n%s", explained)
	}
	_, reply = s.blocks(kids, "www.tiktok.com", dns.TypeA)
	text := extended(reply)[0].ExtraText
	status, reason := s.call(http.MethodGet, "/api/v1/reasons/"+text[strings.LastIndex(text, "/")+1:], "", nil)
	if status != http.StatusOK || reason["ground"] != "a service that the account holder switched off" || strings.Contains(fmt.Sprint(reason), "kids") {
		t.Errorf("%s: %d %v", text, status, reason)
	}
}

// TestProfilesAreChangedOverTheAPI: at once, with who and when, and over a restart.
func TestProfilesAreChangedOverTheAPI(t *testing.T) {
	t.Parallel()
	directory := write(t, profileFiles(t))
	s := start(t, directory, "--config", "recourse.yaml")
	s.wantEDE(t, kids, "casino.example", 17)
	s.done(t, http.StatusUnauthorized, http.MethodGet, kidsPath, "", nil)
	s.done(t, http.StatusForbidden, http.MethodGet, kidsPath, reviewer, nil)
	s.done(t, http.StatusForbidden, http.MethodGet, "/api/v1/profiles/teens", homeToken, nil)
	s.done(t, http.StatusNotFound, http.MethodGet, "/api/v1/profiles/attic", homeToken, nil)
	shown := s.done(t, http.StatusOK, http.MethodGet, kidsPath, homeToken, nil)
	if shown["changed"] != nil || shown["state"] == nil || fmt.Sprint(shown["services"]) != "[tiktok]" {
		t.Errorf("shown: %v", shown)
	}

	wish := object{"requested": object{"by": "mother"}, "deny": []string{"games.example"}, "services": []string{"reddit"}, "safe_search": true}
	changed := s.done(t, http.StatusOK, http.MethodPut, kidsPath, homeToken, wish)
	if changed["changed"].(object)["by"] != "parent" || changed["requested"].(object)["by"] != "mother" {
		t.Errorf("changed: %v", changed)
	}
	check := func() {
		t.Helper()
		s.wantEDE(t, kids, "casino.example", 0)
		s.wantEDE(t, kids, "www.games.example", 17)
		s.wantEDE(t, kids, "old.reddit.com", 17)
		s.wantEDE(t, kids, "www.bing.com", 4)
		s.wantEDE(t, kids, "www.tiktok.com", 0)
		s.wantEDE(t, "127.0.0.1", "www.games.example", 0)
	}
	check()
	for _, wrong := range []object{
		{"deny": []string{"games.example"}}, {"requested": object{"by": "x"}, "services": []string{"tictoc"}},
		{"requested": object{"by": "x"}, "schedule": object{"timezone": "Europe/Berlim", "offline": []object{{"days": []string{"mon"}, "from": "21:00", "to": "06:00"}}}},
	} {
		s.done(t, http.StatusUnprocessableEntity, http.MethodPut, kidsPath, homeToken, wrong)
	}
	check()
	s.kill() // as the power goes
	s = start(t, directory, "--config", "recourse.yaml")
	check()
	s.recourse(t, directory, "lists", "apply", "--config", "recourse.yaml")
	check()
	if explained := s.recourse(t, directory, "explain", "--config", "recourse.yaml", "--client", kids, "casino.example"); !strings.Contains(explained, "pass") {
		t.Errorf("explain goes by the file:\n%s", explained)
	}

	if left := s.done(t, http.StatusOK, http.MethodDelete, kidsPath, homeToken, nil); left["state"] != "unfiltered" {
		t.Errorf("left: %v", left)
	}
	s.wantEDE(t, kids, "www.games.example", 0)
	s.wantEDE(t, kids, "www.bing.com", 0)
	s.wantEDE(t, kids, "blocked-by-law.example", 16)
	s.wantEDE(t, kids, "phish.example", 15)
	changes := s.done(t, http.StatusOK, http.MethodGet, kidsPath+"/changes", homeToken, nil)["changes"].([]any)
	if len(changes) != 2 || changes[0].(object)["what"] != "left" || changes[1].(object)["requested"].(object)["by"] != "mother" || changes[0].(object)["by"] != "parent" {
		t.Errorf("changes: %v", changes)
	}
	s.stop()
	s = start(t, directory, "--config", "recourse.yaml")
	s.wantEDE(t, kids, "casino.example", 0)
	s.done(t, http.StatusOK, http.MethodPut, "/api/v1/profiles/attic", "crm-"+homeToken, object{"requested": object{"by": "42"}, "deny": []string{"a.example"}})
	s.done(t, http.StatusOK, http.MethodPut, "/api/v1/profiles/attic", homeToken, object{})
	s.done(t, http.StatusNotFound, http.MethodGet, "/api/v1/profiles/attic", homeToken, nil)
}

// TestPausesAndBedtime: everything but help is withheld, and no answer outlasts the hour.
func TestPausesAndBedtime(t *testing.T) {
	s := start(t, write(t, profileFiles(t)), "--config", "recourse.yaml")
	paused := s.done(t, http.StatusOK, http.MethodPost, kidsPath+"/pause", homeToken, object{"of": "internet", "minutes": 10})
	if paused["state"] != "paused" {
		t.Errorf("paused: %v", paused)
	}
	s.wantEDE(t, kids, "free.example", 17)
	s.wantEDE(t, kids, "www.childline.org.uk", 0)
	s.wantEDE(t, kids, "blocked-by-law.example", 16)
	s.wantEDE(t, "127.0.0.1", "free.example", 0)
	s.done(t, http.StatusOK, http.MethodDelete, kidsPath+"/pause", homeToken, nil)
	s.wantEDE(t, kids, "free.example", 0)
	s.done(t, http.StatusOK, http.MethodPost, kidsPath+"/pause", homeToken, object{"until": time.Now().Add(20 * time.Second).UTC()})
	code, reply := s.blocks(kids, "casino.example", dns.TypeA)
	if code != 0 || len(reply.Answer) != 1 || reply.Answer[0].Header().Ttl > 20 {
		t.Errorf("while filters rest: %d %v", code, reply)
	}
	if other := s.ask("127.0.0.1", "casino.example", dns.TypeA); len(other.Answer) != 1 || other.Answer[0].Header().Ttl < 100 {
		t.Errorf("a client without a schedule: %v", other)
	}
	s.done(t, http.StatusUnprocessableEntity, http.MethodPost, kidsPath+"/pause", homeToken, object{"until": time.Now().Add(-time.Hour).UTC()})
	s.done(t, http.StatusUnprocessableEntity, http.MethodPost, kidsPath+"/pause", homeToken, object{"of": "internet"})
	s.done(t, http.StatusConflict, http.MethodPost, kidsPath+"/extra", homeToken, nil)
	s.done(t, http.StatusOK, http.MethodDelete, kidsPath+"/pause", homeToken, nil)

	days := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	far := (int(time.Now().UTC().Weekday()) + 6 + 3) % 7 // three days from now
	bedtime := object{"timezone": "UTC", "offline": []object{{"days": slices.Delete(days, far, far+1), "from": "00:00", "to": "24:00"}}}
	s.done(t, http.StatusOK, http.MethodPut, kidsPath, homeToken, object{"requested": object{"by": "mother"}, "schedule": bedtime})
	code, reply = s.blocks(kids, "free.example", dns.TypeAAAA)
	if code != 17 || reply.Rcode != dns.RcodeNameError || !strings.Contains(extended(reply)[0].ExtraText, "hours to be offline") {
		t.Errorf("in bedtime: %d %v", code, reply)
	}
	s.wantEDE(t, kids, "phish.example", 15)
	s.wantEDE(t, kids, "116111.childline.org.uk", 0)
	extended := s.done(t, http.StatusOK, http.MethodPost, kidsPath+"/extra", homeToken, nil)
	until, err := time.Parse(time.RFC3339, fmt.Sprint(extended["extra_until"]))
	if left := time.Until(until); err != nil || left < 29*time.Minute || left > 30*time.Minute || extended["state"] != "filtering" {
		t.Errorf("half an hour more: %v", extended)
	}
	s.wantEDE(t, kids, "free.example", 0)
}

// TestRequestsToAllow: a device asks, the household decides, and no log knows.
func TestRequestsToAllow(t *testing.T) {
	files := profileFiles(t)
	files["recourse.yaml"] = strings.NewReplacer(`["127.0.0.2/32"]`, `["127.0.0.2/32", "127.0.0.1/32"]`, `["127.0.0.1/32"]`, `["127.0.0.9/32"]`).Replace(files["recourse.yaml"])
	s := start(t, write(t, files), "--config", "recourse.yaml")
	s.wantEDE(t, kids, "bet.example", 17)
	s.done(t, http.StatusAccepted, http.MethodPost, kidsPath+"/requests", "", object{"name": "https://bet.example/page"})
	s.done(t, http.StatusAccepted, http.MethodPost, kidsPath+"/requests", "", object{"name": "bet.example"})
	s.done(t, http.StatusAccepted, http.MethodPost, kidsPath+"/requests", "", object{"name": "casino.example"})
	s.done(t, http.StatusForbidden, http.MethodPost, "/api/v1/profiles/attic/requests", "", object{"name": "bet.example"})
	s.done(t, http.StatusUnprocessableEntity, http.MethodPost, kidsPath+"/requests", "", object{"name": "no name"})
	s.done(t, http.StatusUnauthorized, http.MethodGet, kidsPath+"/requests", "", nil)
	waiting := s.done(t, http.StatusOK, http.MethodGet, kidsPath+"/requests", homeToken, nil)["requests"].([]any)
	if len(waiting) != 2 || waiting[0].(object)["name"] != "bet.example" {
		t.Fatalf("waiting: %v", waiting)
	}
	number := func(i int) string { return fmt.Sprintf("%s/requests/%v", kidsPath, waiting[i].(object)["id"]) }
	s.done(t, http.StatusOK, http.MethodPost, number(0), homeToken, object{"decision": "grant"})
	s.done(t, http.StatusOK, http.MethodPost, number(1), homeToken, object{"decision": "decline"})
	s.done(t, http.StatusNotFound, http.MethodPost, number(1), homeToken, object{"decision": "grant"})
	s.wantEDE(t, kids, "bet.example", 0)
	s.wantEDE(t, kids, "casino.example", 17)
	for i := range 50 {
		s.done(t, http.StatusAccepted, http.MethodPost, kidsPath+"/requests", "", object{"name": fmt.Sprintf("n%d.example", i)})
	}
	s.done(t, http.StatusTooManyRequests, http.MethodPost, kidsPath+"/requests", "", object{"name": "one-more.example"})
	if log := s.stderr.String(); strings.Contains(log, "bet.example") || strings.Contains(log, "n7.example") || strings.Contains(log, "kids") {
		t.Errorf("the log tells of a request:\n%s", log)
	}
}
