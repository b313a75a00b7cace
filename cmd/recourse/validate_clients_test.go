package main

import (
	"testing"

	"github.com/recourse-dns/recourse/policy/profile"
)

// Where the system does not tell who is on the link, a row that asks for a device says so.
func TestHardwareAddressesElsewhere(t *testing.T) {
	for system, want := range map[string]string{"linux": "", "freebsd": "warning: clients[1].match.mac: matches nobody on freebsd"} {
		config := &Config{report: newReport("f"), Clients: []profile.Client{{}, {Match: profile.Match{MAC: []string{"02:00:5e:10:00:01"}}}}}
		config.checkHardware(system)
		compareReport(t, config.report, want)
	}
}
