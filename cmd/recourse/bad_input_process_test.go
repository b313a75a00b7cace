package main

import (
	"strings"
	"testing"
)

// TestBadPolicyIsRefused: what cannot be meant of clients, profiles and lists is told by
// `check` with its line and what to do, and nothing starts with it.
func TestBadPolicyIsRefused(t *testing.T) {
	t.Parallel()
	const clients, profiles = "clients:\n", "profiles:\n"
	files := exampleFiles("127.0.0.1:9")
	text := files["recourse.yaml"]
	for what, test := range map[string]struct{ old, fresh, want string }{
		"a shadowed row":                    {clients, clients + "  - {match: {networks: [127.0.0.0/30]}, jurisdiction: IT}\n", "clients[1]: never matches: clients[0] takes in 127.0.0.2/32 above it; put the narrower row first"},
		"one network in two states":         {clients, clients + "  - {match: {networks: [127.0.0.3/32]}, jurisdiction: IT}\n", "clients[2]: never matches: clients[0] takes in 127.0.0.3/32 above it"},
		"one name for two profiles":         {clients, profilesByName("other"), `clients[1]: never matches`},
		"a name chooses what is not there":  {clients, clients + "  - {match: {server_name: kids.example.net}, profile: none}\n", `clients[0].profile: no profile has the id "none"`},
		"a name chooses a state":            {clients, clients + "  - {match: {server_name: kids.example.net}, profile: kids, jurisdiction: FR}\n", "clients[0].jurisdiction"},
		"a network of no state":             {clients, clients + "  - {match: {networks: [192.0.2.0/24]}}\n", "clients[0]: has no jurisdiction, so that no law list"},
		"no state, and nobody says why":     {clients, clients + "  - {match: {networks: [192.0.2.0/24]}, jurisdiction: none}\n", "clients[0].because"},
		"a shared network with a profile":   {clients, clients + "  - {match: {networks: [192.0.2.0/24]}, jurisdiction: IT, shared: true, profile: kids}\n", "clients[0].profile: cannot be of a row that is shared"},
		"an unknown time zone":              {profiles, tabletThat("schedule: {timezone: Europe/Atlantis, offline: [{days: [mon], from: \"21:00\", to: \"06:00\"}]}"), `"Europe/Atlantis" is not a time zone`},
		"a schedule that never ends":        {profiles, tabletThat("schedule: {timezone: Europe/Rome, offline: [{days: [mon, tue, wed, thu, fri, sat, sun], from: \"06:00\", to: \"06:00\"}]}"), "profiles[0].schedule.offline"},
		"one that is whole by two":          {profiles, tabletThat("schedule: {timezone: Europe/Rome, offline: [{days: [mon, tue, wed, thu, fri, sat, sun], from: \"06:00\", to: \"22:00\"}, {days: [mon, tue, wed, thu, fri, sat, sun], from: \"22:00\", to: \"06:00\"}]}"), "profiles[0].schedule.offline: never ends"},
		"a profile that nobody asked for":   {profiles, profiles + "  - {id: tablet, categories: [gambling]}\n", "profiles[0].requested.by: is missing"},
		"two profiles with one id":          {profiles, profiles + "  - {id: kids}\n", `profiles[1].id: "kids" is profiles[0] already`},
		"a service that is not there":       {profiles, tabletThat("services: [telex]"), "telex"},
		"two lists with one id":             {"  - id: phishing\n", "  - id: court\n", `blocklists[1].id: "court" is the id of blocklists[0] already`},
		"a pass past an order":              {"    at_enforce_by: hold\n", "    at_enforce_by: hold\n    pass: 1h\n", "blocklists[0].pass"},
		"an order that says nothing of its": {"    at_enforce_by: hold\n", "", "blocklists[0].at_enforce_by: must be hold or enforce"},
	} {
		changed := strings.Replace(text, test.old, test.fresh, 1)
		if changed == text {
			t.Fatalf("%s: the configuration has no %q", what, test.old)
		}
		files["recourse.yaml"] = changed
		directory := write(t, files)
		said := recourse(t, directory, 1, "check", "--config", "recourse.yaml")
		if !strings.Contains(said, test.want) || !strings.Contains(said, "recourse.yaml:") {
			t.Errorf("%s: %s\nwant %s", what, said, test.want)
		}
		recourse(t, directory, 1, "serve", "--config", "recourse.yaml")
	}
}

func tabletThat(asks string) string {
	return "profiles:\n  - {id: tablet, requested: {by: parent, at: 2026-11-01}, " + asks + "}\n"
}

func profilesByName(other string) string {
	row := "  - {match: {server_name: kids.example.net}, profile: %}\n"
	return "  - {id: " + other + "}\nclients:\n" + strings.Replace(row, "%", "kids", 1) + strings.Replace(row, "%", other, 1)
}
