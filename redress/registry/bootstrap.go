package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Bounds of the bootstrap file.
const (
	maxBootstrap = 1 << 20
	maxServices  = 10_000
)

// bootstrap is where the registry of each suffix is asked (RFC 9224).
type bootstrap map[string]*url.URL

// readBootstrap takes HTTPS addresses only: what comes from them decides who gets a code.
func readBootstrap(content []byte) (bootstrap, error) {
	var file struct {
		Services [][][]string `json:"services"`
	}
	if len(content) > maxBootstrap {
		return nil, errors.New("bootstrap file: too large")
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("bootstrap file: %w", err)
	}
	if len(file.Services) > maxServices {
		return nil, fmt.Errorf("bootstrap file: more than %d services", maxServices)
	}
	found := make(bootstrap)
	for _, service := range file.Services {
		if len(service) != 2 {
			continue
		}
		if address := secured(service[1]); address != nil {
			for _, suffix := range service[0] {
				found[strings.ToLower(strings.Trim(suffix, "."))] = address
			}
		}
	}
	if len(found) == 0 {
		return nil, errors.New("bootstrap file: names no service over HTTPS")
	}
	return found, nil
}

func secured(addresses []string) *url.URL {
	for _, text := range addresses {
		address, err := url.Parse(text)
		if err == nil && address.Scheme == "https" && address.Host != "" && address.User == nil {
			return address
		}
	}
	return nil
}

// serviceFor is that of the longest suffix that the name has.
func (b bootstrap) serviceFor(name string) *url.URL {
	for rest := name; rest != ""; {
		_, after, found := strings.Cut(rest, ".")
		if !found {
			return nil
		}
		if address := b[after]; address != nil {
			return address
		}
		rest = after
	}
	return nil
}
