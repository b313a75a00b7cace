package redress_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// shops is a world in which names below shop.example are blocked by lists of every kind.
func shops(t *testing.T) *redresstest.World {
	w := redresstest.New(t)
	w.Lists["court"] = append(w.Lists["court"], "law.shop.example")
	w.Lists["phishing"] = append(w.Lists["phishing"], "shop.example", "www.shop.example", "a.github.io", "shops.example")
	w.Lists["gambling"] = append(w.Lists["gambling"], "www.shop.example", "play.shop.example")
	w.Lists["hidden"] = append(w.Lists["hidden"], "dark.shop.example", "www.shop.example", "x.dark.example")
	w.Lists["discreet"] = append(w.Lists["discreet"], "deep.down.shop.example")
	w.Restart()
	return w
}

// prove proves control of the name of a case.
func prove(t *testing.T, w *redresstest.World, name string, receipt redress.Receipt) {
	t.Helper()
	w.DNS.Add(receipt.Challenge.Name + ". TXT " + receipt.Challenge.Value)
	proof, err := w.Desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{})
	if err != nil || !proof.Verified {
		t.Fatalf("%s: %+v, %v", name, proof, err)
	}
}

func shown(t *testing.T, w *redresstest.World, id redress.CaseID, token string) redress.Status {
	t.Helper()
	status, err := w.Desk.Show(t.Context(), id, token)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// besides are the cases beside one, by name and list.
func besides(status redress.Status) string {
	var all []string
	for _, other := range status.Beside {
		all = append(all, other.List+":"+strings.TrimSuffix(other.Name.String(), "."))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestAProofOpensCasesBelow(t *testing.T) {
	w := shops(t)
	receipt := file(t, w, application("shop.example"))
	before := shown(t, w, receipt.ID, receipt.Token)
	if len(receipt.Linked) > 0 || len(before.Beside) > 0 {
		t.Fatalf("cases below without a proof: %v, %v", receipt.Linked, before.Beside)
	}
	if told := before.Below; told.Names != 4 || told.Open != 4 || told.More || len(told.Blocking) > 0 {
		t.Errorf("told before the proof: %+v", told)
	}
	prove(t, w, "shop.example", receipt)
	after := shown(t, w, receipt.ID, receipt.Token)
	want := "court:law.shop.example discreet:deep.down.shop.example gambling:play.shop.example gambling:www.shop.example phishing:www.shop.example"
	if got := besides(after); got != want || len(after.Linked) != 5 {
		t.Fatalf("cases beside %s\nwant %s; linked %v", got, want, after.Linked)
	}
	if told := after.Below; told.Names != 4 || told.Open != 0 || len(told.Blocking) != 5 {
		t.Errorf("told after the proof: %+v", told)
	}
	for _, other := range after.Beside {
		below := shown(t, w, other.ID, receipt.Token)
		if !below.Verified || below.Name != other.Name.String() || below.Entry.Name != other.Name || below.Below.Names > 0 {
			t.Errorf("%s: %+v", other.ID, below)
		}
		if law := below.Merits.State == redress.Referred; law != (other.List == "court") {
			t.Errorf("%s: merits %s", other.List, below.Merits.State)
		}
		var kinds []string
		for _, event := range below.Events {
			kinds = append(kinds, string(event.Kind))
		}
		if !slices.Contains(kinds, "filed") || kinds[len(kinds)-1] != "verified" {
			t.Errorf("%s: events %v", other.List, kinds)
		}
	}
	if _, _, err := w.Store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestASecondProofOpensNothing(t *testing.T) {
	w := shops(t)
	receipt := file(t, w, application("shop.example"))
	prove(t, w, "shop.example", receipt)
	count, _, err := w.Store.Verify(t.Context())
	prove(t, w, "shop.example", receipt)
	if proved := w.Desk.Proved(t.Context(), receipt.ID, redress.ByDocument, reviewer); proved != nil || err != nil {
		t.Fatal(proved, err)
	}
	if again, _, err := w.Store.Verify(t.Context()); again != count || err != nil {
		t.Errorf("%d events, and %d before; %v", again, count, err)
	}
	if linked := shown(t, w, receipt.ID, receipt.Token).Linked; len(linked) != 5 {
		t.Errorf("linked %v", linked)
	}
}

func TestAReportOpensNothingBelow(t *testing.T) {
	w := shops(t)
	report := application("shop.example")
	report.Role = "reporter"
	receipt := file(t, w, report)
	prove(t, w, "shop.example", receipt)
	if status := shown(t, w, receipt.ID, receipt.Token); len(status.Linked) > 0 || status.Below.Names > 0 {
		t.Errorf("linked %v, told %+v", status.Linked, status.Below)
	}
}

func TestNothingIsOpenedForWhatOthersOwn(t *testing.T) {
	w := shops(t)
	for _, name := range []string{"github.io", "free.example"} {
		receipt := file(t, w, application(name))
		prove(t, w, name, receipt)
		if status := shown(t, w, receipt.ID, receipt.Token); len(status.Linked) > 0 || status.Below.Names > 0 {
			t.Errorf("%s: linked %v, told %+v", name, status.Linked, status.Below)
		}
	}
}

func TestSecretEntriesBelowAreNotTold(t *testing.T) {
	var seen []string
	for _, name := range []string{"dark.example", "light.example"} { // x.dark.example is on a secret list
		w := shops(t)
		receipt := file(t, w, application(name))
		before := shown(t, w, receipt.ID, receipt.Token)
		prove(t, w, name, receipt)
		after := shown(t, w, receipt.ID, receipt.Token)
		count, _, err := w.Store.Verify(t.Context())
		seen = append(seen, fmt.Sprint(before.Below, after.Below, after.Linked, after.Elsewhere, after.State, after.Merits.State, len(after.Events), count, err))
	}
	if seen[0] != seen[1] {
		t.Errorf("%s\n%s", seen[0], seen[1])
	}
}

func TestAnOpenCaseElsewhereStandsForItsEntry(t *testing.T) {
	w := shops(t)
	reported := application("www.shop.example")
	reported.Role = "reporter"
	file(t, w, reported)
	file(t, w, application("play.shop.example")) // proves nothing
	www := file(t, w, application("www.shop.example"))
	prove(t, w, "www.shop.example", www) // two entries of its own, and one above
	first := shown(t, w, www.ID, www.Token)
	if got := besides(first); strings.Count(got, " ") != 1 {
		t.Fatalf("beside www: %s", got)
	}
	receipt := file(t, w, application("shop.example"))
	prove(t, w, "shop.example", receipt)
	status := shown(t, w, receipt.ID, receipt.Token)
	want := "court:law.shop.example discreet:deep.down.shop.example gambling:play.shop.example"
	if got := besides(status); got != want {
		t.Errorf("cases beside %s, want %s", got, want)
	}
	var lists []string
	for _, other := range status.Elsewhere {
		lists = append(lists, string(other.List)+":"+other.Name.String())
		if _, err := w.Desk.Show(t.Context(), other.ID, receipt.Token); err == nil {
			t.Errorf("%s opens with the token of another filing", other.ID)
		}
	}
	if slices.Sort(lists); len(lists) != 2 || status.Below.Open != 0 || status.Below.Names != 4 {
		t.Errorf("elsewhere %v, told %+v", lists, status.Below)
	}
}

func TestManyNamesBelowAreBounded(t *testing.T) {
	w := redresstest.New(t)
	for i := range redress.MaxBelow + 7 {
		w.Lists["phishing"] = append(w.Lists["phishing"], fmt.Sprintf("n%03d.big.example", i))
	}
	w.Lists["gambling"] = append(w.Lists["gambling"], "x.below.big.example")
	w.Restart()
	receipt := file(t, w, application("big.example"))
	prove(t, w, "big.example", receipt)
	status := shown(t, w, receipt.ID, receipt.Token)
	if len(status.Linked) != redress.MaxBelow || status.Below.Open != 8 || status.Below.Names != redress.MaxBelow+8 || status.Below.Listed != 20 {
		t.Errorf("%d linked, told %d names, %d open, %d listed", len(status.Linked), status.Below.Names, status.Below.Open, status.Below.Listed)
	}
}

func TestAReversalBelowLeavesTheOthers(t *testing.T) {
	w := shops(t)
	receipt := file(t, w, application("shop.example"))
	prove(t, w, "shop.example", receipt)
	for _, other := range shown(t, w, receipt.ID, receipt.Token).Beside {
		if other.List != "gambling" || other.Name.String() != "www.shop.example" {
			continue
		}
		ruling := decide(t, w, other.ID, redress.Decision{Outcome: "reverse"})
		var still []string
		for _, match := range ruling.StillBlockedBy {
			still = append(still, string(match.Entry.List)+":"+match.Entry.Name.String())
		}
		if slices.Sort(still); strings.Join(still, " ") != "phishing:shop.example phishing:www.shop.example" {
			t.Errorf("still blocked by %v", still)
		}
	}
	if told := shown(t, w, receipt.ID, receipt.Token).Below; told.Names != 4 || len(told.Blocking) != 4 {
		t.Errorf("told %+v", told)
	}
	if blocked := w.Blocked("www.shop.example"); slices.Contains(blocked, "gambling") {
		t.Errorf("blocked by %v", blocked)
	}
}

func TestOnlyTheImplementationIsAskedBelowToo(t *testing.T) {
	w := shops(t)
	asked := application("shop.example")
	asked.Question = "implementation"
	receipt := file(t, w, asked)
	prove(t, w, "shop.example", receipt)
	for _, id := range shown(t, w, receipt.ID, receipt.Token).Linked {
		if below := shown(t, w, id, receipt.Token); below.Merits.State != redress.Withdrawn || below.Implementation.State != redress.Submitted {
			t.Errorf("%s: %+v, %+v", id, below.Implementation, below.Merits)
		}
	}
}

func TestClocksBelowBeginWithTheProof(t *testing.T) {
	w := shops(t)
	receipt := file(t, w, application("shop.example"))
	prove(t, w, "shop.example", receipt)
	for _, other := range shown(t, w, receipt.ID, receipt.Token).Beside {
		one, err := w.Store.Case(t.Context(), other.ID)
		if err != nil {
			t.Fatal(err)
		}
		proved := one.Filing.Verified
		switch {
		case other.List == "phishing" && !one.Clocks[redress.MeritsClock].Equal(proved.Add(24*time.Hour)):
			t.Errorf("security: %v", one.Clocks)
		case other.List == "court" && !one.Clocks[redress.RemindClock].Equal(proved.AddDate(0, 0, redress.RemindDays)):
			t.Errorf("law: %v", one.Clocks)
		case !one.Clocks[redress.ImplementationClock].Equal(proved.Add(24 * time.Hour)):
			t.Errorf("%s: %v", other.List, one.Clocks)
		}
	}
}

func TestAProofOfTheHostAloneOpensNothingBelow(t *testing.T) {
	for _, method := range []redress.Method{redress.ByHTTP, redress.ByPage, redress.ByMail} {
		w := shops(t)
		receipt := file(t, w, application("shop.example"))
		if err := w.Desk.Proved(t.Context(), receipt.ID, method, reviewer); err != nil {
			t.Fatal(err)
		}
		status := shown(t, w, receipt.ID, receipt.Token)
		if alone := method != redress.ByMail; alone != (len(status.Linked) == 0) || alone != status.Below.HostAlone || status.Below.Names != 4 {
			t.Errorf("%s: linked %v, told %+v", method, status.Linked, status.Below)
		}
	}
}
