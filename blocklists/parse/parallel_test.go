package parse_test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/recourse-dns/recourse/blocklists/parse"
)

// line is a row as it is compared, with its number to sort by.
type line struct {
	number uint32
	text   string
}

func readParallel(t *testing.T, options parse.Options, text string) ([]string, parse.Report) {
	t.Helper()
	const workers = 3
	var rows [workers][]line
	report, err := parse.Parallel(options, strings.NewReader(text), workers, func(worker int, row parse.Row) error {
		rows[worker] = append(rows[worker], line{row.Line, show(row)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(rows[:]...)
	slices.SortStableFunc(all, func(a, b line) int { return cmp.Compare(a.number, b.number) })
	var texts []string
	for _, one := range all {
		texts = append(texts, one.text)
	}
	return texts, report
}

func TestParallelReadsWhatListReads(t *testing.T) {
	for _, form := range benchForms {
		if form.format == "csv" || form.format == "unbound" || form.format == "jsonl" {
			continue // read by one, as rpz is
		}
		var text strings.Builder
		if form.format == "rpz" {
			text.WriteString(zoneHead)
		}
		for i := range 20_000 {
			switch {
			case i%3_007 == 9:
				text.WriteString("no / entry\n")
			case i%8_000 == 7_999:
				text.WriteString(strings.Repeat("x", 3<<20>>(i/8_000)) + "\n")
			default:
				fmt.Fprintf(&text, form.line, fmt.Sprintf("n%d.example", i))
			}
		}
		options := parse.Options{Format: form.format, Columns: map[string]string{"name": "1"}}
		want, wantReport := readAll(t, options, text.String()+"\n# end")
		got, report := readParallel(t, options, text.String()+"\n# end")
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, want %d", form.format, len(got), len(want))
		}
		for i := range report.Samples { // of a long line only some is kept
			report.Samples[i].Text, wantReport.Samples[i].Text = "", ""
		}
		if !reflect.DeepEqual(report, wantReport) {
			t.Errorf("%s:\n got %+v\nwant %+v", form.format, report, wantReport)
		}
	}
}

func TestParallelEndsAtTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	text := strings.Repeat("a.example\n", 200_000)
	_, err := parse.Parallel(parse.Options{Format: "domains"}, strings.NewReader(text), 2, func(int, parse.Row) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	source := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
	if _, err := parse.Parallel(parse.Options{Format: "domains"}, source, 2, func(int, parse.Row) error { return nil }); !errors.Is(err, broken) || !strings.Contains(err.Error(), "line 200001") {
		t.Errorf("error %v", err)
	}
	_, err = parse.Parallel(parse.Options{Format: "hosts"}, strings.NewReader(text), 2, func(int, parse.Row) error { return nil })
	if !errors.Is(err, parse.ErrFormat) {
		t.Errorf("error %v", err)
	}
	_, err = parse.Parallel(parse.Options{Format: "domains"}, endless{strings.Repeat("a", 4096)}, 2, func(int, parse.Row) error { return nil })
	if !errors.Is(err, parse.ErrTooLong) {
		t.Errorf("error %v", err)
	}
}

// TestOrdinaryLinesCostNoAllocation holds the usual lines of the large formats to none, by
// lists of which one is ten times the other.
func TestOrdinaryLinesCostNoAllocation(t *testing.T) {
	for _, form := range benchForms {
		if form.format == "jsonl" {
			continue
		}
		few, many := allocations(t, form.format, form.line, 1000), allocations(t, form.format, form.line, 10_000)
		if many > few+2 {
			t.Errorf("%s: %g allocations for 10,000 lines, %g for 1,000", form.format, many, few)
		}
	}
}

func allocations(t *testing.T, format, form string, lines int) float64 {
	t.Helper()
	head, _, _ := strings.Cut(form, "%s")
	text := strings.Repeat(fmt.Sprintf(form, "www.Shop-1.example"), lines)
	if format == "rpz" {
		text = zoneHead + text
	}
	options := parse.Options{Format: format, Columns: map[string]string{"name": "1", "listed": "2"}}
	return testing.AllocsPerRun(3, func() {
		report, err := parse.List(options, strings.NewReader(text), func(parse.Row) error { return nil })
		if err != nil || report.Entries != lines {
			t.Fatalf("%s%s: %+v, %v", format, head, report, err)
		}
	})
}
