package redress

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Bounds of what a party writes, in characters.
const (
	MinExplanation = 10
	MaxExplanation = 4000
	MaxContact     = 254
	MaxLanguage    = 35
	// MaxCases is the most cases that one filing opens.
	MaxCases = 64
)

// Application is what a party files, as it was written. The name may be left out
// where the code stands for one.
type Application struct {
	ReasonCode  string
	Name        string
	Role        string
	Explanation string
	GoodFaith   bool
	Contact     string
	Language    string
	// Question implementation: only whether we carry the block out rightly is asked. Empty: both questions.
	Question string
	// EarlyProof is the secret of a [Desk.EarlyProof] that goes before limits; empty for none.
	EarlyProof string
}

// Receipt is what the party gets. The token is nowhere else, not even in the store.
type Receipt struct {
	ID        CaseID
	Token     string
	State     State
	Challenge Challenge
	Linked    []CaseID
	// Recovery is words to be printed: they open the cases when the link is lost. Like the
	// token they are nowhere else.
	Recovery string
}

// Invalid says what is wrong with something that a person filled in.
type Invalid struct {
	Fields []FieldProblem
}

// FieldProblem is one field, by its name in the API, and a sentence about it.
type FieldProblem struct {
	Field string
	Text  string
}

func (i *Invalid) Error() string {
	names := make([]string, 0, len(i.Fields))
	for _, field := range i.Fields {
		names = append(names, field.Field)
	}
	return "invalid: " + strings.Join(names, ", ")
}

func (i *Invalid) add(field, format string, args ...any) {
	i.Fields = append(i.Fields, FieldProblem{Field: field, Text: fmt.Sprintf(format, args...)})
}

// err is nil when nothing is wrong.
func (i *Invalid) err() error {
	if len(i.Fields) == 0 {
		return nil
	}
	return i
}

// File opens a case for every entry that blocks the name, all under one token. It
// does so in the same way whether or not anything does. Its error is an *Invalid
// where the application is at fault.
func (d *Desk) File(ctx context.Context, application Application) (Receipt, error) {
	name, matches, err := d.check(&application)
	if err != nil {
		return Receipt{}, err
	}
	token, words, at := newToken(), newWords(), now()
	filing := Filing{
		ID: newFilingID(), Name: name, Role: Role(application.Role), Language: application.Language, At: at,
		Token: HashToken(token), Challenge: "redress=" + newToken(), Recovery: HashToken(words),
	}
	cases := d.casesFor(filing, matches)
	if Question(application.Question) == Implementation {
		leaveMerits(cases)
	}
	texts, commitments := commit(map[TextKind]string{Explanation: application.Explanation, Contact: application.Contact})
	opened := make([]Opened, 0, len(cases))
	for _, opening := range cases {
		opened = append(opened, Opened{Case: opening, Events: firstEvents(opening, commitments), Clocks: openingClocks(opening)})
	}
	first := cases[0]
	opened[0].Notices = d.received(first, texts, &opened[0].Events[0])
	if err := d.store.Open(ctx, opened, texts); err != nil {
		return Receipt{}, fmt.Errorf("file: %w", err)
	}
	d.logger.Info("case filed", slog.String("case", string(first.ID)))
	receipt := Receipt{ID: first.ID, Token: token, State: first.shownState(), Challenge: filing.challenge(), Recovery: words}
	for _, other := range cases[1:] {
		if !other.Hidden {
			receipt.Linked = append(receipt.Linked, other.ID)
		}
	}
	return receipt, nil
}

// received is what the party is told of its filing: once, whatever the number of its cases.
func (d *Desk) received(first *Case, texts []Text, event *Event) []notify.Message {
	if d.config.Tell == nil {
		return nil
	}
	told := *first
	told.Hidden = false // as the first always stands for the filing
	told.Texts = make(map[Commitment]Text, len(texts))
	for _, text := range texts {
		told.Texts[text.Commitment()] = text
	}
	return d.config.Tell(&told, event)
}

// StatusURL is the address of a case's page; with a token it is the party's link.
func (d *Desk) StatusURL(id CaseID, token string) string {
	address := strings.TrimRight(d.config.Portal, "/") + "/cases/" + string(id)
	if token != "" {
		address += "?token=" + token
	}
	return address
}

// check reads the application and finds what it is about. All problems come at once.
func (d *Desk) check(application *Application) (wire.Name, []policy.Match, error) {
	invalid := new(Invalid)
	name, matches := d.target(application, invalid)
	if !slices.Contains([]Role{Owner, Agent, Reporter}, Role(application.Role)) {
		invalid.add("role", "say who you are: owner, agent or reporter")
	}
	application.Explanation = tidy(application.Explanation)
	switch length := utf8.RuneCountInString(application.Explanation); {
	case length < MinExplanation:
		invalid.add("explanation", "say in a sentence or two why the block is wrong")
	case length > MaxExplanation:
		invalid.add("explanation", "this has %d characters, and %d fit", length, MaxExplanation)
	}
	if !application.GoodFaith {
		invalid.add("good_faith", "confirm that you believe what you write to be true")
	}
	application.Contact = tidy(application.Contact)
	if utf8.RuneCountInString(application.Contact) > MaxContact || strings.ContainsAny(application.Contact, "\n\t") {
		invalid.add("contact", "give one line of at most %d characters, or nothing", MaxContact)
	}
	if application.Question != "" && application.Question != string(Implementation) {
		invalid.add("question", "must be implementation, or left out for both")
	}
	if !isLanguage(application.Language) {
		invalid.add("language", "give a language tag, as en or pt-BR, or nothing")
	}
	return name, matches, invalid.err()
}

// target is the name that is contested and the entries that block it. A code that
// tells no name (of a list that shows none, of a household's own rule) needs a name
// beside it, for the challenge would tell it.
func (d *Desk) target(application *Application, invalid *Invalid) (wire.Name, []policy.Match) {
	var named []policy.Match
	if text := strings.TrimSpace(application.ReasonCode); text != "" {
		code, err := policy.ParseCode(text)
		if err != nil {
			invalid.add("reason_code", "this is not a reason code: look for a typing mistake, or give the name instead")
			return "", nil
		}
		named, _ = d.index().Find(code)
		named = slices.DeleteFunc(slices.Clone(named), func(match policy.Match) bool { return Secret(&match) || !Blocks(&match) })
	}
	switch {
	case strings.TrimSpace(application.Name) != "":
		name, err := ReadName(application.Name)
		if err != nil {
			invalid.add("name", "%s", err)
			return "", nil
		}
		return name, d.blocking(name, named)
	case len(named) > 0 && named[0].Manifest.Disclosure == blocklists.Full:
		return named[0].Entry.Name, d.blocking(named[0].Entry.Name, named)
	case application.ReasonCode != "":
		invalid.add("name", "this code stands for no single name that blocks now: say which name you mean")
	default:
		invalid.add("name", "give the name of the site, or the reason code")
	}
	return "", nil
}

// blocking joins the entries that cover the name with those that the code named, if
// they concern it, each once, the public ones first and the code's before those.
func (d *Desk) blocking(name wire.Name, named []policy.Match) []policy.Match {
	var public, secret []policy.Match
	seen := make(map[Entry]bool)
	for _, match := range slices.Concat(named, d.index().Matches(name)) {
		entry := entryOf(&match)
		if !Blocks(&match) || seen[entry] || !name.IsBelow(entry.Name) {
			continue
		}
		seen[entry] = true
		if Secret(&match) {
			secret = append(secret, match)
		} else {
			public = append(public, match)
		}
	}
	all := slices.Concat(public, secret)
	return all[:min(len(all), MaxCases)]
}

func entryOf(match *policy.Match) Entry {
	entry := Entry{List: match.Entry.List, Name: match.Entry.Name, Scope: match.Entry.Scope, Code: match.Code, Purpose: match.Purpose()}
	if match.Manifest != nil {
		entry.Order = match.OrderRef()
	}
	return entry
}

// casesFor makes a case of every match, and one case about nothing where there is
// no match. Cases about secret entries are hidden behind any case before them.
func (d *Desk) casesFor(filing Filing, matches []policy.Match) []*Case {
	var cases []*Case
	for _, match := range matches {
		entry := entryOf(&match)
		opening := &Case{ID: newCaseID(), Filing: filing, Entry: &entry, Confidential: Secret(&match)}
		opening.Hidden = opening.Confidential && len(cases) > 0
		opening.Implementation, opening.Merits = tracks(&entry, filing.At, d.config.Holiday)
		cases = append(cases, opening)
	}
	if len(cases) == 0 {
		opening := &Case{ID: newCaseID(), Filing: filing}
		opening.Implementation, opening.Merits = tracks(nil, filing.At, d.config.Holiday)
		cases = append(cases, opening)
	}
	for _, one := range cases {
		for _, other := range cases {
			if one != other {
				one.Linked = append(one.Linked, other.ID)
			}
		}
	}
	return cases
}

func firstEvents(opening *Case, commitments map[TextKind]string) []Event {
	at := opening.Filing.At
	content := Content{Implementation: opening.Implementation.State, Merits: opening.Merits.State, Texts: commitments}
	if opening.Entry != nil && !opening.Confidential { // the case has it; its log is read by more
		content.List, content.Entry = string(opening.Entry.List), opening.Entry.Name.String()
	}
	events := []Event{{Case: opening.ID, At: at, Kind: FiledEvent, Actor: Actor{Name: string(opening.Filing.Role), Role: Party}, Content: content}}
	if opening.holderFirst() {
		asked := Content{Question: Merits, Deadline: opening.Merits.Deadline}
		events = append(events, Event{Case: opening.ID, At: at, Kind: HolderEvent, Actor: Actor{Name: "desk", Role: System}, Content: asked})
	}
	if opening.Merits.State == Referred {
		events = append(events, Event{Case: opening.ID, At: at, Kind: ReferredEvent, Actor: Actor{Name: "desk", Role: System}, Content: Content{Question: Merits}})
	}
	return events
}

// tidy trims a text and removes what is neither printed nor a line's end, so that a
// text cannot steer a terminal or turn its reader's line around.
func tidy(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	clean := strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(clean)
}

// isLanguage takes a tag's form (RFC 5646) without knowing the languages.
func isLanguage(text string) bool {
	if text == "" {
		return true
	}
	for part := range strings.SplitSeq(text, "-") {
		if len(part) == 0 || len(part) > 8 {
			return false
		}
		for _, c := range []byte(part) {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
				return false
			}
		}
	}
	return len(text) <= MaxLanguage
}

// expired says whether the challenge can no longer be answered.
func (f *Filing) expired(at time.Time) bool { return at.Sub(f.At) > ChallengeLife }
