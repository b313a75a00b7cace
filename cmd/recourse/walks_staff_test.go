package main

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/redress/redresstest/browser"
)

// helpdesk is story 5: a caller reads the code, and hears purpose, list, line and history, and never who asked.
func (w *walk) helpdesk(rita *browser.Visit) {
	code := w.codeOf("phish.example")
	rita.Go(w.site("/console/code"))
	rita.Type("#code", strings.ToLower(strings.ReplaceAll(code, "-", " ")))
	rita.Submit("#code")
	shown := rita.See("walk-code", "phish.example", "Example CERT", "Line of the source", "C-", "must not be told")
	if strings.Contains(shown, "broken in") {
		w.t.Error("the help desk reads what the party wrote")
	}
}

// officer is story 16: an order that lacks something blocks nothing and says what; complete it takes effect and says when;
// it is lifted as easily.
func (w *walk) officer() {
	const name = "mail.phish.example"
	v := w.staff("tribunale", "authority", "--authority", "Tribunale di Esempio")
	v.Go(w.site("/console/authority"))
	v.Type("#ref", "RG 77/2026")
	v.Type("#entries", name)
	v.Submit("#ref")
	v.See("walk-order-lacks", "blocks nothing yet")
	v.Type("#act", "Legge 633/1941")
	v.Type("#article", "163")
	v.Submit("#ref")
	v.See("walk-order", "RG 77/2026", name, "reasons", "redress")
	w.server.expect(w.t, []expected{{"127.0.0.1", name, dns.TypeA, dns.RcodeNameError, 0, 16}})
	v.Type("#why", "The decree was quashed.")
	v.Submit("#why")
	v.See("walk-order-lifted", "lifted")
	w.server.expect(w.t, []expected{{"127.0.0.1", name, dns.TypeA, dns.RcodeSuccess, 2, 0}})
	v.NoComplaints("422")
}

// analyst is stories 18 and 19: what the maintainer takes off the list resolves with its next refresh; of queries there are counts
// and no clients, and of decisions one file with reasons.
func (w *walk) analyst() {
	const name = "scam-tenant.github.io"
	w.server.expect(w.t, []expected{{"127.0.0.1", name, dns.TypeA, dns.RcodeSuccess, 1, 15}})
	writeInto(w.t, w.directory, "lists/phishing.hosts", strings.Replace(scamList, "0.0.0.0 "+name+"\n", "", 1))
	w.server.until(w.t, func() bool { return len(extended(w.server.ask("127.0.0.1", name, dns.TypeA))) == 0 })
	_, metrics := w.server.page(w.server.metrics)
	wantText(w.t, metrics, `recourse_blocks_total{list="phishing",purpose="security"}`)
	if strings.Contains(metrics, "github") {
		w.t.Error("counts name what was asked for")
	}
	status, file := w.server.call(http.MethodGet, "/api/v1/lists/phishing/reversals", "", nil)
	text, err := json.Marshal(file)
	if status != http.StatusOK || err != nil {
		w.t.Fatal(status, err)
	}
	wantText(w.t, string(text), "www.shop.example", "games.example", "We looked at the shop from two networks.", "The form is gone since May.")
	if strings.Contains(string(text), "payment provider") {
		w.t.Error("the maintainer reads what a party wrote")
	}
}

// auditor is story 20: the report of the pages is the one that the exported log gives, and the log is whole.
func (w *walk) auditor() {
	today := time.Now().UTC().Format(time.DateOnly)
	v := w.open(browser.Options{})
	v.Go(w.site("/report?from=" + today + "&to=" + today))
	v.See("walk-report", "Transparency report", "1.2.1 Orders of authorities to act", "1.5 ")
	v.NoComplaints()
	status, published := w.server.page(w.site("/api/v1/report?from=" + today + "&to=" + today))
	if status != http.StatusOK {
		w.t.Fatalf("the report: %d %s", status, published)
	}
	writeInto(w.t, w.directory, "log.jsonl", recourse(w.t, w.directory, 0, "audit", "export", "--config", w.config))
	again := recourse(w.t, w.directory, 0, "report", "--config", w.config, "--log", "log.jsonl", "--from", today, "--to", today, "--format", "json")
	if totals(w, published) != totals(w, again) {
		w.t.Errorf("the report is\n%s\nand from the log\n%s", totals(w, published), totals(w, again))
	}
	wantText(w.t, recourse(w.t, w.directory, 0, "audit", "verify", "--config", w.config), "the log is whole")
	wantText(w.t, recourse(w.t, w.directory, 0, "report", "--dpia", "--config", w.config), "B. Personal data")
}

// regulator is story 17, with a case that was filed 34 days ago and a list whose entries are to be looked at every second.
func (w *walk) regulator() {
	database, err := sql.Open("sqlite", filepath.Join(w.directory, "state", "recourse.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer database.Close()
	if _, err := database.ExecContext(w.t.Context(), `UPDATE filings SET at = at - 3000000000000`); err != nil {
		w.t.Fatal(err)
	}
	v := w.staff("anna", "auditor")
	v.Go(w.site("/console/"))
	v.Follow(`nav a[href="/console/overdue"]`)
	v.See("walk-overdue", "Entries past their review date", "www.casino.example", "Cases that the authority has not answered for 30 days", "blocked-by-law.example", "with the authority")
	v.NoComplaints()
}

// totals is a report as the log alone tells it.
func totals(w *walk, report string) string {
	w.t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(report), &document); err != nil {
		w.t.Fatalf("%v in %.300s", err, report)
	}
	text, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), `"Example Net"`, strconv.Quote(w.server.web)) // a log has no name of its operator
}
