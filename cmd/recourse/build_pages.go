package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/redress"
	ownership "github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/portal"
	public "github.com/recourse-dns/recourse/redress/report"
	"github.com/recourse-dns/recourse/redress/signin"
	"github.com/recourse-dns/recourse/redress/statements"
)

// pageKit is what the pages of all doors are made with.
func (c *Config) pageKit(logger *slog.Logger) (*page.Kit, error) {
	return page.New(page.Config{Operator: c.operator(), Location: time.Local, More: c.languageFiles()}, logger)
}

// languageFiles are the operator's own texts; nil where there are none.
func (c *Config) languageFiles() fs.FS {
	if c.Operator.LanguagesDir == "" {
		return nil
	}
	return os.DirFS(c.File(c.Operator.LanguagesDir))
}

// catalogues are the texts of all parts with public pages.
func catalogues() []func(fs.FS) (*language.Catalogue, error) {
	return []func(fs.FS) (*language.Catalogue, error){page.Catalogue, portal.Catalogue, householdTexts, signin.Catalogue, statements.Catalogue, public.Catalogue, public.PolicyCatalogue}
}

// checkLanguages says which languages of the operator there are no texts in.
func (c *Config) checkLanguages() {
	if dir := c.Operator.LanguagesDir; dir != "" {
		if about, err := os.Stat(c.File(dir)); err != nil || !about.IsDir() {
			c.fileProblem("operator.languages_dir", dir, errors.Join(err, errors.New("must be a folder with files as portal.pt.json")))
			return
		}
	}
	parts := catalogues()
	if c.Operator.LanguagesDir == "" {
		parts = parts[:1] // what is built in is whole, and of all parts alike, as a test holds; reading all takes longer than the rest of a command
	}
	lacking := map[string]bool{}
	for _, load := range parts {
		texts, err := load(c.languageFiles())
		if err != nil {
			c.report.problem("operator.languages_dir", "%s: every language has all texts that the English has", err)
			return
		}
		for _, tag := range texts.Missing(c.Operator.Languages) {
			lacking[tag] = true
		}
	}
	for i, tag := range c.Operator.Languages {
		if lacking[tag] && languageForm.MatchString(tag) {
			c.report.problem(item("operator.languages", i), "there are no texts in %s: leave it out, or put page.%s.json, portal.%s.json, home.%s.json, signin.%s.json, statements.%s.json, report.%s.json and policy.%s.json into a folder and name that as operator.languages_dir; built in are %v", quote(tag), tag, tag, tag, tag, tag, tag, tag, builtin())
		}
	}
}

func builtin() []string {
	texts, err := page.Catalogue(nil)
	if err != nil {
		return nil
	}
	return slices.Sorted(slices.Values(texts.Languages()))
}

// papersOf takes documents of parties from the pages.
func papersOf(papers *ownership.Papers, desk *redress.Desk) func(ctx context.Context, id redress.CaseID, token string, content []byte) error {
	return func(ctx context.Context, id redress.CaseID, token string, content []byte) error {
		_, err := papers.Add(ctx, desk, id, token, content)
		return err
	}
}
