package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// order submits an order and wants it to be taken.
func (s *server) order(t testing.TB, body map[string]any) map[string]any {
	t.Helper()
	status, reply := s.call(http.MethodPost, "/api/v1/orders", authority, body)
	if status != http.StatusCreated {
		t.Fatalf("submitted: %d %v", status, reply)
	}
	return reply
}

// done calls and wants a status.
func (s *server) done(t testing.TB, want int, method, path, token string, body any) map[string]any {
	t.Helper()
	status, reply := s.call(method, path, token, body)
	if status != want {
		t.Fatalf("%s %s: %d %v, wanted %d", method, path, status, reply, want)
	}
	return reply
}

type object = map[string]any

// TestWhatIsLiftedResolvesAtOnce, also after a power cut and a new import: a wrong block is the
// worst of mistakes.
func TestWhatIsLiftedResolvesAtOnce(t *testing.T) {
	t.Parallel()
	directory := write(t, orderFiles(t))
	s := start(t, directory, "--config", "recourse.yaml")
	s.order(t, submission("RG 1", "one.example", "two.example", "three.example"))
	s.order(t, submission("RG 2", "three.example", "four.example"))
	s.wantBlocked(true, "one.example", "two.example", "three.example", "four.example")

	s.done(t, http.StatusOK, http.MethodPatch, orderPath("RG 1", ""), authority, object{"lift": []string{"one.example"}, "why": "entered by mistake"})
	s.wantBlocked(false, "one.example", "www.one.example")
	s.wantBlocked(true, "two.example", "three.example", "four.example")
	s.kill() // as the power goes
	s = start(t, directory, "--config", "recourse.yaml")
	s.wantBlocked(false, "one.example")
	s.wantBlocked(true, "two.example", "three.example", "four.example")
	s.recourse(t, directory, "lists", "apply", "--config", "recourse.yaml")
	s.wantBlocked(false, "one.example")

	if reply := s.done(t, http.StatusOK, http.MethodDelete, orderPath("RG 1", ""), authority, nil); reply["state"] != "lifted" {
		t.Errorf("lifted: %v", reply)
	}
	s.wantBlocked(false, "two.example")
	s.wantBlocked(true, "three.example", "four.example") // another order has it
	s.done(t, http.StatusOK, http.MethodDelete, orderPath("RG 1", ""), authority, nil)
	s.kill()
	s = start(t, directory, "--config", "recourse.yaml")
	s.wantBlocked(false, "one.example", "two.example")
	s.wantBlocked(true, "three.example", "four.example", "blocked-by-law.example")
	s.recourse(t, directory, "lists", "rollback", "--config", "recourse.yaml")
	s.wantBlocked(false, "one.example", "two.example")
	s.wantBlocked(true, "three.example")
	s.wantReceipts(t, "RG 1", "blocked", "lifted", "lifted")

	shown := s.done(t, http.StatusOK, http.MethodGet, orderPath("RG 1", ""), authority, nil)
	for _, one := range shown["entries"].([]any) {
		if entry := one.(object); entry["lifted"] == nil || entry["lifted_by"] != "tribunale" {
			t.Errorf("nothing is erased, and who lifted it stands there: %v", entry)
		}
	}
	s.done(t, http.StatusConflict, http.MethodPatch, orderPath("RG 1", ""), authority, object{"add": []string{"one.example"}})
}

// TestOrdersAreCorrected: names and dates, one by one.
func TestOrdersAreCorrected(t *testing.T) {
	s := start(t, write(t, orderFiles(t)), "--config", "recourse.yaml")
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	s.order(t, submission("RG 1", "wrnog.example", "later.example", "narrow.example"))
	s.done(t, http.StatusOK, http.MethodPatch, orderPath("RG 1", ""), authority, object{
		"add":     []object{{"name": "added.example"}},
		"correct": []object{{"name": "wrnog.example", "to": "wrong.example"}, {"name": "later.example", "effective": soon}, {"name": "narrow.example", "to_scope": "exact"}},
	})
	s.wantBlocked(true, "wrong.example", "www.wrong.example", "added.example", "narrow.example")
	s.wantBlocked(false, "wrnog.example", "later.example", "www.added.example", "www.narrow.example")
	s.done(t, http.StatusOK, http.MethodPatch, orderPath("RG 1", ""), authority, object{"effective": soon})
	s.wantBlocked(false, "wrong.example", "added.example")
	s.done(t, http.StatusOK, http.MethodPatch, orderPath("RG 1", ""), authority, object{"effective": "2026-01-01T00:00:00Z", "expires": soon})
	s.wantBlocked(true, "wrong.example", "added.example")
	for body, field := range map[string]object{
		"lift[0].name":    {"lift": []string{"never.example"}},
		"add[0].name":     {"add": []string{"*.example"}},
		"correct[0].name": {"correct": []object{{"name": "never.example", "expires": soon}}},
		"correct[0]":      {"correct": []object{{"name": "wrong.example"}}},
		"expires":         {"expires": "2025-01-01T00:00:00Z"},
		"effective":       {"effective": "tomorrow"},
	} {
		problem := s.done(t, http.StatusUnprocessableEntity, http.MethodPatch, orderPath("RG 1", ""), authority, field)
		if fields, _ := problem["errors"].([]any); len(fields) == 0 || fields[0].(object)["field"] != body {
			t.Errorf("%s: %v", body, problem)
		}
	}
	s.wantBlocked(true, "wrong.example", "added.example") // a change is done whole or not at all
}

// TestWhatIsNoOrderBlocksNothing, is recorded, and says field by field what is missing.
func TestWhatIsNoOrderBlocksNothing(t *testing.T) {
	s := start(t, write(t, orderFiles(t)), "--config", "recourse.yaml")
	body := submission("RG 1", "pirate.example", "*.pirate.example")
	delete(body, "legal_basis")
	for range 2 {
		problem := s.done(t, http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/orders", authority, body)
		if told := fmt.Sprint(problem["errors"]); problem["type"] != "urn:recourse:problem:unlawful-order" || !strings.Contains(told, "field:legal_basis") || !strings.Contains(told, "field:entries[1].name") {
			t.Errorf("%v", problem)
		}
	}
	s.wantBlocked(false, "pirate.example")
	listed := s.done(t, http.StatusOK, http.MethodGet, "/api/v1/orders", authority, nil)["orders"].([]any)
	if len(listed) != 1 || listed[0].(object)["state"] != "unlawful" {
		t.Errorf("recorded once: %v", listed)
	}
	deficient := submission("RG 1", "pirate.example")
	delete(deficient, "reasons")
	delete(deficient, "redress")
	if reply := s.order(t, deficient); fmt.Sprint(reply["deficient"]) != "[reasons redress]" || reply["state"] != "in_force" {
		t.Errorf("deficient: %v", reply)
	}
	s.wantBlocked(true, "pirate.example")
	reply := s.done(t, http.StatusOK, http.MethodPatch, orderPath("RG 1", ""), authority, object{"reasons": object{"it": "Diffusione abusiva."}, "redress": object{"venues": []object{{"name": "TAR"}}}})
	if len(reply["deficient"].([]any)) != 0 {
		t.Errorf("mended: %v", reply)
	}
}

// TestATokenIsBoundToItsAuthority: to its orders, its jurisdiction, its lists and its day.
func TestATokenIsBoundToItsAuthority(t *testing.T) {
	files := orderFiles(t)
	files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "daily_max: 20000", "daily_max: 3", 1)
	files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "lists: [court], file: other.token", `lists: [court], networks: ["192.0.2.0/24"], file: other.token`, 1)
	s := start(t, write(t, files), "--config", "recourse.yaml")
	foreign := submission("RG 1", "a.example")
	foreign["authority"] = object{"name": "Another Court"}
	s.done(t, http.StatusForbidden, http.MethodPost, "/api/v1/orders", authority, foreign)
	foreign = submission("RG 1", "a.example")
	foreign["jurisdiction"] = []string{"FR"}
	s.done(t, http.StatusForbidden, http.MethodPost, "/api/v1/orders", authority, foreign)
	foreign["jurisdiction"], foreign["list"] = []string{"IT"}, "phishing"
	s.done(t, http.StatusForbidden, http.MethodPost, "/api/v1/orders", authority, foreign)
	s.done(t, http.StatusForbidden, http.MethodGet, "/api/v1/orders", "other-"+authority, nil) // from elsewhere
	s.done(t, http.StatusForbidden, http.MethodGet, "/api/v1/orders", reviewer, nil)
	s.done(t, http.StatusUnauthorized, http.MethodGet, "/api/v1/orders", "", nil)
	s.done(t, http.StatusNotFound, http.MethodDelete, orderPath("RG 1", ""), authority, nil)

	own := submission("RG 7", "own.example")
	own["authority"] = object{"name": "Another Court"}
	s.done(t, http.StatusCreated, http.MethodPost, "/api/v1/orders", operator, with(own, "list", "court"))
	s.done(t, http.StatusForbidden, http.MethodDelete, orderPath("RG 7", ""), authority, nil)
	s.wantBlocked(true, "own.example")

	s.order(t, submission("RG 1", "a.example", "b.example"))
	s.done(t, http.StatusTooManyRequests, http.MethodPost, "/api/v1/orders", authority, submission("RG 2", "c.example", "d.example"))
	s.done(t, http.StatusTooManyRequests, http.MethodPatch, orderPath("RG 1", ""), authority, object{"add": []string{"c.example", "d.example"}})
	s.wantBlocked(false, "c.example", "d.example")
	s.order(t, submission("RG 2", "c.example"))
	s.done(t, http.StatusOK, http.MethodDelete, orderPath("RG 2", ""), authority, nil) // to lift is free
	s.wantBlocked(false, "c.example")
}

func with(body object, key string, value any) object {
	body[key] = value
	return body
}

// TestHeldNamesTakeTwoPeople: a whole top-level domain, a public suffix and a protected name
// wait; the rest of the order does not.
func TestHeldNamesTakeTwoPeople(t *testing.T) {
	s := start(t, write(t, orderFiles(t)), "--config", "recourse.yaml")
	body := submission("RG 1", "pirate.example", "zip", "co.uk", "arpa")
	body["enforce_by"] = time.Now().Add(30 * time.Minute).UTC().Format(time.RFC3339)
	reply := s.order(t, body)
	if reply["state"] != "partly_held" || len(reply["held"].([]any)) != 3 {
		t.Fatalf("held: %v", reply)
	}
	s.wantBlocked(true, "pirate.example")
	s.wantBlocked(false, "site.zip", "shop.co.uk")
	releases := orderPath("RG 1", "/releases")
	s.done(t, http.StatusForbidden, http.MethodPost, releases, authority, nil)
	one := s.done(t, http.StatusAccepted, http.MethodPost, releases, operator, object{"names": []string{"zip"}, "note": "the court means it"})
	if one["waits_for_second_person"] != true || len(one["held"].([]any)) != 3 {
		t.Errorf("after one: %v", one)
	}
	s.wantBlocked(false, "site.zip")
	s.done(t, http.StatusConflict, http.MethodPost, releases, operator, object{"names": []string{"zip"}})
	two := s.done(t, http.StatusOK, http.MethodPost, releases, colleague, object{"names": []string{"zip"}})
	if len(two["held"].([]any)) != 2 {
		t.Errorf("after two: %v", two)
	}
	s.wantBlocked(true, "site.zip")
	s.wantBlocked(false, "shop.co.uk")
	s.done(t, http.StatusOK, http.MethodPatch, orderPath("RG 1", ""), authority, object{"lift": []string{"co.uk", "arpa"}})
	s.wantReceipts(t, "RG 1", "blocked", "released", "lifted")
}

// TestAnotherDecisionTakesTwoPeopleAndWins: over the authority that ordered.
func TestAnotherDecisionTakesTwoPeopleAndWins(t *testing.T) {
	s := start(t, write(t, orderFiles(t)), "--config", "recourse.yaml")
	s.order(t, submission("RG 1", "shop.example", "pirate.example"))
	decided := object{"lift": []string{"shop.example"}, "why": "annulled", "decision": object{"authority": object{"name": "Corte di Appello"}, "ref": "12/2026"}}
	s.done(t, http.StatusForbidden, http.MethodPatch, orderPath("RG 1", ""), authority, decided)
	if reply := s.done(t, http.StatusAccepted, http.MethodPatch, orderPath("RG 1", ""), operator, decided); reply["waits_for_second_person"] != true {
		t.Errorf("after one: %v", reply)
	}
	s.wantBlocked(true, "shop.example")
	s.done(t, http.StatusConflict, http.MethodPatch, orderPath("RG 1", ""), operator, decided)
	s.done(t, http.StatusOK, http.MethodPatch, orderPath("RG 1", ""), colleague, decided)
	s.wantBlocked(false, "shop.example")
	s.wantBlocked(true, "pirate.example")
	again := s.done(t, http.StatusOK, http.MethodPatch, orderPath("RG 1", ""), authority, object{"add": []string{"shop.example"}})
	fresh := s.order(t, submission("RG 2", "shop.example"))
	for _, reply := range []object{again, fresh} {
		if held := fmt.Sprint(reply["held"]); !strings.Contains(held, "overruled") {
			t.Errorf("what a court lifted is not blocked again by one call: %v", reply)
		}
	}
	s.wantBlocked(false, "shop.example")
}

// TestASuspensionStopsTheEffect: and ends by itself or before.
func TestASuspensionStopsTheEffect(t *testing.T) {
	directory := write(t, orderFiles(t))
	s := start(t, directory, "--config", "recourse.yaml")
	s.order(t, submission("RG 1", "shop.example"))
	path := orderPath("RG 1", "/suspension")
	s.done(t, http.StatusUnprocessableEntity, http.MethodPost, path, operator, object{"until": "2020-01-01T00:00:00Z", "reason": "x"})
	s.done(t, http.StatusUnprocessableEntity, http.MethodPost, path, operator, object{"until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	reply := s.done(t, http.StatusOK, http.MethodPost, path, operator, object{"until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "reason": "the court hears both sides"})
	if reply["state"] != "suspended" || reply["suspended_until"] == nil {
		t.Errorf("suspended: %v", reply)
	}
	s.wantBlocked(false, "shop.example")
	s.kill()
	s = start(t, directory, "--config", "recourse.yaml")
	s.wantBlocked(false, "shop.example")
	s.done(t, http.StatusOK, http.MethodDelete, path, operator, nil)
	s.wantBlocked(true, "shop.example")
	s.done(t, http.StatusConflict, http.MethodDelete, path, operator, nil)
	s.wantReceipts(t, "RG 1", "blocked", "suspended", "resumed")
}

// TestAnOrderReachesItsStateAlone, although its list is for more.
func TestAnOrderReachesItsStateAlone(t *testing.T) {
	files := orderFiles(t)
	files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "    jurisdiction: [IT]\n    redress:", "    jurisdiction: [IT, FR]\n    redress:", 1)
	s := start(t, write(t, files), "--config", "recourse.yaml")
	s.order(t, submission("RG 1", "pirate.example"))
	s.expect(t, []expected{
		{"127.0.0.1", "blocked-by-law.example", dns.TypeA, dns.RcodeNameError, 0, 16},
		{"127.0.0.3", "blocked-by-law.example", dns.TypeA, dns.RcodeNameError, 0, 16},
		{"127.0.0.1", "pirate.example", dns.TypeA, dns.RcodeNameError, 0, 16},
		{"127.0.0.3", "pirate.example", dns.TypeA, dns.RcodeSuccess, 1, 0},
	})
	results := s.done(t, http.StatusOK, http.MethodGet, "/api/v1/lookup?name=pirate.example", "", nil)["results"].([]any)
	if len(results) != 1 || results[0].(object)["jurisdiction"] != "IT" {
		t.Errorf("looked up: %v", results)
	}
}
