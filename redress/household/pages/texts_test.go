package pages_test

import (
	"os"
	"testing"

	"github.com/recourse-dns/recourse/redress/household/pages"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/page"
)

func TestCatalogue(t *testing.T) {
	texts, err := pages.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	kit, err := page.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	languagetest.Check(t, languagetest.Part{
		Texts: texts, Also: kit, Templates: os.DirFS("templates"),
		Sets: []string{"kind.", "fix.", "not.", "day.", "menu.", "week.wrong.", "devices.wrong.", "section", "category."},
	})
}
