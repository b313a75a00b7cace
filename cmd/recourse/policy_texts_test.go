package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	public "github.com/recourse-dns/recourse/redress/report"
)

// TestPolicyTextsOfAnAddedLanguage: check asks for the statement in a language that an operator adds, and for all of it.
func TestPolicyTextsOfAnAddedLanguage(t *testing.T) {
	folder := t.TempDir()
	files, err := filepath.Glob(filepath.Join("..", "..", "redress", "*", "texts", "*.en.json"))
	if err != nil {
		t.Fatal(err)
	}
	inner, err := filepath.Glob(filepath.Join("..", "..", "redress", "*", "*", "texts", "*.en.json"))
	if err != nil {
		t.Fatal(err)
	}
	var statement []byte
	for _, file := range append(files, inner...) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.Replace(filepath.Base(file), ".en.", ".pt.", 1)
		if name == "policy.pt.json" {
			statement = content
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	checked := func() string {
		config := &Config{report: newReport("recourse.yaml")}
		config.Operator.LanguagesDir, config.Operator.Languages = folder, []string{"pt"}
		config.checkLanguages()
		if err := config.report.err(); err != nil {
			return err.Error()
		}
		return ""
	}
	if got := checked(); !strings.Contains(got, `there are no texts in "pt"`) || !strings.Contains(got, "policy.pt.json") {
		t.Errorf("without the statement: %q", got)
	}
	write := func(content string) {
		if err := os.WriteFile(filepath.Join(folder, "policy.pt.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(string(statement))
	if got := checked(); got != "" {
		t.Errorf("with the statement: %q", got)
	}
	write(strings.Replace(string(statement), `"head.statement": `, `"head.other": `, 1))
	if got := checked(); !strings.Contains(got, `policy.pt.json: the text "head.statement" is missing`) {
		t.Errorf("with a text that is missing: %q", got)
	}
	if teller, err := public.NewTeller(os.DirFS(folder)); err == nil {
		t.Errorf("a statement with a missing text is told: %v", teller.Languages())
	}
}
