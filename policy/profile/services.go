package profile

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/resolver/wire"
)

//go:embed services.txt
var servicesText string

// Service is a service by its names, which a profile withholds by one word. It is immutable
// and shared by all profiles.
type Service struct {
	ID    string
	Title string
	Names []wire.Name // sorted, each with what lies below it
}

// Services are those that are built in, in the order of the file.
func Services() ([]*Service, error) { return parseServices(servicesText) }

var serviceHead = regexp.MustCompile(`^([a-z0-9]{1,32}): (.{1,64})$`)

func parseServices(text string) ([]*Service, error) {
	var services []*Service
	owner := make(map[wire.Name]string)
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if head := serviceHead.FindStringSubmatch(line); head != nil {
			if slices.ContainsFunc(services, func(s *Service) bool { return s.ID == head[1] }) {
				return nil, fmt.Errorf("services, line %d: %s is there already", number, head[1])
			}
			services = append(services, &Service{ID: head[1], Title: head[2]})
			continue
		}
		name, err := parseName(line)
		if err != nil {
			return nil, fmt.Errorf("services, line %d: %w", number, err)
		}
		if len(services) == 0 || owner[name] != "" {
			return nil, fmt.Errorf("services, line %d: %q belongs to no service, or to %q already", number, line, owner[name])
		}
		last := services[len(services)-1]
		last.Names, owner[name] = append(last.Names, name), last.ID
	}
	for _, service := range services {
		slices.Sort(service.Names)
	}
	return services, nil
}

// covering finds the longest of some sorted names that a name is or lies below: the one among
// them, for the name that is asked for may not be kept.
func covering(names []wire.Name, name wire.Name) (wire.Name, bool) {
	if len(names) == 0 {
		return "", false
	}
	for at := name; at != ""; at = at.Parent() {
		if i, found := slices.BinarySearch(names, at); found {
			return names[i], true
		}
	}
	return "", false
}
