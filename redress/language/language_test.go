package language_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/recourse-dns/recourse/redress/language"
)

func folder(files map[string]string) fstest.MapFS {
	made := fstest.MapFS{}
	for name, content := range files {
		made[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return made
}

const english = `{
  "hello": "Hello {who}.",
  "days": {"one": "{n} day", "other": "{n} days"},
  "number.gap": ",", "time.day": "{day} {month} {year}", "time.moment": "{day}, {time} {zone}", "month.7": "July"
}`

func TestTongue(t *testing.T) {
	polish := strings.NewReplacer("Hello {who}.", "Cześć, {who}.", `{"one": "{n} day", "other": "{n} days"}`,
		`{"one": "{n} dzień", "few": "{n} dni", "many": "{n} dni!", "other": "{n} dnia"}`, "July", "lipca").Replace(english)
	c, err := language.Load("part", folder(map[string]string{"part.en.json": english, "part.pl.json": polish, "other.de.json": "{"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	pl := c.In("pl")
	for got, want := range map[string]string{
		pl.Say("hello", "who", "{who}<b>"):                     "Cześć, {who}<b>.",
		string(pl.Rich("hello", "who", "<b>")):                 "Cześć, &lt;b&gt;.",
		pl.Count("days", 1):                                    "1 dzień",
		pl.Count("days", 3):                                    "3 dni",
		pl.Count("days", 12345):                                "12,345 dni!",
		c.In("xx").Count("days", 2):                            "2 days",
		pl.Word("purpose", "law"):                              "law",
		pl.Say("nothing"):                                      "nothing",
		pl.Number(-1234567):                                    "−1,234,567",
		pl.Moment(time.Date(2026, 7, 3, 9, 5, 0, 0, time.UTC)): "3 lipca 2026, 09:05 UTC",
		pl.Moment(time.Date(2026, 7, 3, 9, 5, 0, 0, time.FixedZone("+03", 3*3600))): "3 lipca 2026, 09:05 UTC+03",
	} {
		if got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	if got := c.Languages(); !slices.Equal(got, []string{"en", "pl"}) {
		t.Errorf("languages: %v", got)
	}
}

func TestLoadSaysWhere(t *testing.T) {
	good := strings.ReplaceAll(english, "Hello", "Tere")
	for name, test := range map[string]struct{ file, want string }{
		"missing":     {`{"hello": "Tere {who}."}`, "the text \"days\" is missing"},
		"placeholder": {strings.ReplaceAll(good, "{who}", "{kes}"), `part.et.json:2: the text "hello" has the placeholders [kes], and [who] are wanted`},
		"forms":       {strings.ReplaceAll(good, `{"one": "{n} day", "other": "{n} days"}`, `"{n} päeva"`), `part.et.json:3: the text "days" counts, and needs forms by number: one, other`},
		"form":        {strings.ReplaceAll(good, `"one"`, `"few"`), `lacks the form "one"`},
		"class":       {strings.ReplaceAll(good, `"one"`, `"eins"`), `part.et.json:3: "eins" is not a class of numbers`},
		"unused":      {strings.ReplaceAll(good, `"hello"`, "\"more\": \"x\",\n\"hello\""), `part.et.json:2: nobody asks for the text "more"`},
		"twice":       {strings.ReplaceAll(good, `"hello"`, "\"hello\": \"x\",\n\"hello\""), `part.et.json:3: the key "hello" is there twice`},
		"empty":       {strings.ReplaceAll(good, "Tere {who}.", ""), "part.et.json:2: the text is empty"},
		"brace":       {strings.ReplaceAll(good, "{who}", "{who"), "part.et.json:2: a placeholder"},
		"syntax":      {good[:40], "part.et.json:3: "},
		"array":       {"[]", "part.et.json:1: an object"},
		"number":      {`{"hello": 1}`, "part.et.json:1: a text"},
		"long":        {`{"hello": "` + strings.Repeat("x", 1<<20) + `"}`, "longer than"},
	} {
		_, err := language.Load("part", folder(map[string]string{"part.en.json": english}), folder(map[string]string{"part.et.json": test.file}))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	for _, files := range []map[string]string{{"part.en.json": english, "part.not a tag.json": good}, {"part.de.json": english}} {
		if _, err := language.Load("part", folder(files), nil); err == nil {
			t.Errorf("%v loads", files)
		}
	}
}

func TestMoreNeverReplaces(t *testing.T) {
	changed := strings.ReplaceAll(english, "Hello", "Bye")
	c, err := language.Load("part", folder(map[string]string{"part.en.json": english}), folder(map[string]string{"part.en.json": changed, "part.pt-BR.json": changed}))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.In("en").Say("hello", "who", "x"); got != "Hello x." {
		t.Errorf("a folder replaced what is built in: %q", got)
	}
	if got := c.In("pt-BR").Say("hello", "who", "x"); got != "Bye x." {
		t.Errorf("the added language says %q", got)
	}
	if missing := c.Missing([]string{"en", "pt-BR", "de"}); !slices.Equal(missing, []string{"de"}) {
		t.Errorf("missing: %v", missing)
	}
}

func TestChoose(t *testing.T) {
	files := map[string]string{}
	for _, tag := range []string{"en", "de", "pl", "pt-BR"} {
		files["part."+tag+".json"] = strings.ReplaceAll(english, `{"one": "{n} day", "other": "{n} days"}`, `"days"`)
	}
	c, err := language.Load("part", folder(files), nil)
	if err != nil {
		t.Fatal(err)
	}
	chooser := c.Chooser([]string{"pl", "de", "en"})
	for accept, want := range map[string]string{
		"": "pl", "de-AT,de;q=0.9,en;q=0.8": "de", "en-GB": "en", "fr": "pl", "fr,de;q=0.1": "de", ";;;": "pl", "*": "pl", "pt-BR": "pl",
		strings.Repeat("x-aaaa,", 10000) + "de": "pl", "\x00\xff": "pl",
	} {
		if got := chooser.Choose(accept); got != want {
			t.Errorf("%.40q: %s, want %s", accept, got, want)
		}
	}
	if got := c.Chooser(nil).Choose("pt"); got != "pt-BR" {
		t.Errorf("pt: %s", got)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(english)
	f.Add(`{"a": {"other": "{n}"}}`)
	f.Fuzz(func(t *testing.T, content string) {
		c, err := language.Load("part", folder(map[string]string{"part.en.json": content}), nil)
		if err != nil {
			return
		}
		for _, key := range c.In("en").Keys() {
			c.In("en").Say(key, "n", "{n}")
			c.In("en").Count(key, 3)
		}
	})
}

func FuzzChoose(f *testing.F) {
	c, err := language.Load("part", folder(map[string]string{"part.en.json": english, "part.de.json": english}), nil)
	if err != nil {
		f.Fatal(err)
	}
	chooser := c.Chooser(nil)
	f.Add("de-AT,de;q=0.9,en;q=0.8")
	f.Fuzz(func(t *testing.T, accept string) {
		if got := chooser.Choose(accept); !c.Has(got) {
			t.Errorf("%q: %q", accept, got)
		}
	})
}
