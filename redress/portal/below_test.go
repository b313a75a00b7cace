package portal_test

import (
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
)

func TestStatusPageTellsOfNamesBelow(t *testing.T) {
	b := open(t)
	b.Lists["phishing"] = append(b.Lists["phishing"], "shop.example", "www.shop.example", "pay.shop.example")
	b.Lists["hidden"] = append(b.Lists["hidden"], "dark.shop.example")
	b.Reload()
	receipt, err := b.Desk.File(t.Context(), redress.Application{Name: "shop.example", Role: "owner", Explanation: "The site was cleaned.", GoodFaith: true})
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := b.get("/cases/" + string(receipt.ID) + "?token=" + receipt.Token)
	b.contains(page, "2 names below this one are blocked too. Your one proof covers them as well.")
	if strings.Contains(page, "www.shop.example") {
		t.Error("names below are told before the proof")
	}
	if err := b.Desk.Proved(t.Context(), receipt.ID, redress.ByDNS, redress.Actor{Name: "owner", Role: redress.Party}); err != nil {
		t.Fatal(err)
	}
	_, page, _ = b.get("/cases/" + string(receipt.ID))
	b.contains(page, "2 names below this one are still blocked:")
	b.contains(page, "Your other cases about this name")
	if strings.Contains(page, "dark.shop.example") || strings.Contains(page, "have no case yet") {
		t.Error("the page tells of what it must not")
	}
	linked := "/cases/" + string(linkedOf(t, b, receipt)) + "?token=" + receipt.Token
	b.contains(page, linked)
	if status, page, reply := b.get(linked); status != 200 || reply.Request.URL.RawQuery != "" || !strings.Contains(page, ".shop.example") {
		t.Errorf("the link of a linked case: %d %s", status, reply.Request.URL)
	}
}

// linkedOf is a case that a proof has opened beside another.
func linkedOf(t *testing.T, b *visitor, receipt redress.Receipt) redress.CaseID {
	t.Helper()
	status, err := b.Desk.Show(t.Context(), receipt.ID, receipt.Token)
	if err != nil || len(status.Linked) == 0 {
		t.Fatalf("%v, %v", status.Linked, err)
	}
	return status.Linked[0]
}
