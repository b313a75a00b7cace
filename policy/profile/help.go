package profile

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/resolver/wire"
)

//go:embed helpnames.txt
var helpText string

// HelpName is a name that nothing which a user asked for withholds.
type HelpName struct {
	Name    wire.Name // with what lies below it
	Country string    // ISO 3166 code, or EU
	Kind    string    // emergency, child, violence, suicide or privacy
}

// HelpNames are those that are built in, of all countries: who needs one may be abroad.
func HelpNames() ([]HelpName, error) { return parseHelp(helpText) }

var (
	countryHead = regexp.MustCompile(`^\[([A-Z]{2})\]$`)
	helpKinds   = []string{"emergency", "child", "violence", "suicide", "privacy"}
)

func parseHelp(text string) ([]HelpName, error) {
	var names []HelpName
	country, number := "", 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if head := countryHead.FindStringSubmatch(line); head != nil {
			country = head[1]
			continue
		}
		text, kind, _ := strings.Cut(line, " ")
		name, err := parseName(text)
		if err == nil && (country == "" || !slices.Contains(helpKinds, kind)) {
			err = fmt.Errorf("%q: without a country, or %q is none of %v", text, kind, helpKinds)
		}
		if err != nil {
			return nil, fmt.Errorf("help names, line %d: %w", number, err)
		}
		names = append(names, HelpName{Name: name, Country: country, Kind: kind})
	}
	return names, nil
}
