package api_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/bindings"
	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/resolver"
)

const (
	provisioningToken = "provisioning-token-of-the-test-01234"
	householdToken    = "household-token-of-the-test-01234567"
	rossiToken        = "household-token-of-one-home-01234567"
	operatorToken     = "operator-token-of-the-test-012345678"
)

// clientele is an API that binds clients, with the table that they are looked up in.
type clientele struct {
	*server
	table *profile.Table
}

func bindingServer(t *testing.T) *clientele {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	register, err := bindings.OpenRegister(filepath.Join(t.TempDir(), "bindings"), sealed.Key{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	named, err := devices.Open(filepath.Join(t.TempDir(), "devices"), sealed.Key{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	net := func(text string) profile.Match {
		return profile.Match{Networks: []netip.Prefix{netip.MustParsePrefix(text)}}
	}
	table, problems := profile.NewTable([]profile.Client{
		{Match: profile.Match{MAC: []string{"02:00:5e:10:00:01"}}, Profile: "kids"},
		{Match: net("10.0.0.0/8"), Jurisdiction: "IT"}, {Match: net("192.0.2.0/24"), Jurisdiction: "none", Because: "Bound one by one."},
	}, []*profile.Profile{{ID: "family"}, {ID: "kids"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	table = table.With(&profile.Live{Bindings: register, Devices: named})
	s := serve(t, func(config *api.Config) {
		config.Tokens = append(config.Tokens,
			api.Token{Name: "radius", Role: redress.Provisioning, Hash: redress.HashToken(provisioningToken), Binding: api.Binding{Jurisdiction: []string{"FR"}}},
			api.Token{Name: "self-care", Role: redress.Household, Hash: redress.HashToken(householdToken)},
			api.Token{Name: "rossi", Role: redress.Household, Hash: redress.HashToken(rossiToken), Profiles: []string{"family"}},
			api.Token{Name: "noc", Role: redress.Operator, Hash: redress.HashToken(operatorToken)})
		config.Clients = &api.Clients{Bindings: register, Devices: named, Table: func() *profile.Table { return table }, Host: "dns.example", Neighbours: func() []api.Neighbour {
			seen := time.Now()
			return []api.Neighbour{{MAC: [6]byte{2, 0, 0x5e, 0x10, 0, 1}, FirstSeen: seen, LastSeen: seen}, {MAC: [6]byte{2, 0, 0x5e, 0x10, 0, 2}, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, FirstSeen: seen, LastSeen: seen}}
		}}
	})
	return &clientele{s, table}
}

// who is as "jurisdiction/profile" whom a client is taken for.
func (c *clientele) who(client resolver.Client) string {
	who, admitted := c.table.Who(client, time.Now())
	switch {
	case !admitted:
		return "refused"
	case who.Profile == nil:
		return who.Jurisdiction + "/"
	}
	return who.Jurisdiction + "/" + who.Profile.ID
}

func addressed(addr string) resolver.Client { return resolver.Client{Addr: netip.MustParseAddr(addr)} }

func TestBindings(t *testing.T) {
	c := bindingServer(t)
	status, reply, _ := c.call("PUT", "/api/v1/clients/10.1.0.0%2F16", provisioningToken, `{"profile": "family"}`)
	until, err := time.Parse(time.RFC3339, fmt.Sprint(reply["until"]))
	if status != 200 || reply["prefix"] != "10.1.0.0/16" || reply["admitted"] != true || err != nil || time.Until(until).Round(time.Hour) != 24*time.Hour {
		t.Fatalf("%d %v", status, reply)
	}
	if got := c.who(addressed("10.1.2.3")); got != "IT/family" {
		t.Errorf("bound: %s", got)
	}
	if status, reply, _ := c.call("PUT", "/api/v1/clients/192.0.2.7", provisioningToken, `{"profile": "kids", "jurisdiction": "FR", "until": "`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`); status != 200 || reply["jurisdiction"] != "FR" || reply["prefix"] != "192.0.2.7/32" {
		t.Errorf("%d %v", status, reply)
	}
	if got := c.who(addressed("192.0.2.7")); got != "FR/kids" {
		t.Errorf("bound: %s", got)
	}
	if status, reply, _ := c.call("PUT", "/api/v1/clients/10.9.9.9:1024-2047", householdToken, `{"profile": "kids"}`); status != 200 || reply["prefix"] != "10.9.9.9:1024-2047" {
		t.Errorf("%d %v", status, reply)
	}
	if got := c.who(resolver.Client{Addr: netip.MustParseAddr("10.9.9.9"), Port: 2000}); got != "IT/kids" {
		t.Errorf("ports: %s", got)
	}
	if status, reply, _ := c.call("PUT", "/api/v1/clients/2001:db8::%2F56", operatorToken, `{"jurisdiction": "DE"}`); status != 200 || reply["admitted"] != false {
		t.Errorf("not admitted: %d %v", status, reply)
	}
	if status, reply, _ := c.call("GET", "/api/v1/clients/10.1.0.0%2F16", householdToken, ""); status != 200 || reply["profile"] != "family" {
		t.Errorf("%d %v", status, reply)
	}
	for _, want := range []bool{true, false} {
		if status, reply, _ := c.call("DELETE", "/api/v1/clients/10.1.0.0%2F16", provisioningToken, ""); status != 200 || reply["removed"] != want {
			t.Errorf("%d %v", status, reply)
		}
	}
	if got := c.who(addressed("10.1.2.3")); got != "IT/" {
		t.Errorf("its end was told: %s", got)
	}
	if status, _, _ := c.call("GET", "/api/v1/clients/10.1.0.0%2F16", householdToken, ""); status != 404 {
		t.Errorf("%d", status)
	}
}

func TestWhatIsNotBound(t *testing.T) {
	c := bindingServer(t)
	past, never := time.Now().Add(-time.Second).Format(time.RFC3339), "9999-12-31T00:00:00Z"
	for name, test := range map[string]struct {
		method, path, token, body string
		status                    int
		field                     string
	}{
		"nobody":               {"PUT", "10.0.0.0%2F8", "", `{"profile": "kids"}`, 401, ""},
		"a reviewer":           {"PUT", "10.0.0.0%2F8", reviewerToken, `{"profile": "kids"}`, 403, ""},
		"an authority":         {"DELETE", "10.0.0.0%2F8", authorityToken, "", 403, ""},
		"bits beyond":          {"PUT", "10.0.0.1%2F8", operatorToken, `{"profile": "kids"}`, 422, "prefix"},
		"no network":           {"PUT", "x", operatorToken, `{"profile": "kids"}`, 422, "prefix"},
		"ports of IPv6":        {"PUT", "[::1]:1-2", operatorToken, `{"profile": "kids"}`, 422, "prefix"},
		"ports backwards":      {"PUT", "10.0.0.1:2-1", operatorToken, `{"profile": "kids"}`, 422, "prefix"},
		"mapped":               {"PUT", "::ffff:10.0.0.0%2F104", operatorToken, `{"profile": "kids"}`, 422, "prefix"},
		"to nothing":           {"PUT", "10.0.0.0%2F8", operatorToken, `{}`, 422, "profile"},
		"no such profile":      {"PUT", "10.0.0.0%2F8", operatorToken, `{"profile": "x"}`, 422, "profile"},
		"no end":               {"PUT", "10.0.0.0%2F8", operatorToken, `{"profile": "kids", "until": "0001-01-01T00:00:00Z"}`, 422, "until"},
		"no end in sight":      {"PUT", "10.0.0.0%2F8", operatorToken, `{"profile": "kids", "until": "` + never + `"}`, 422, "until"},
		"past":                 {"PUT", "10.0.0.0%2F8", operatorToken, `{"profile": "kids", "until": "` + past + `"}`, 422, "until"},
		"no time":              {"PUT", "10.0.0.0%2F8", operatorToken, `{"profile": "kids", "until": "tomorrow"}`, 400, ""},
		"more than it may say": {"PUT", "10.0.0.0%2F8", operatorToken, `{"profile": "kids", "shared": true}`, 400, ""},
		"no code":              {"PUT", "192.0.2.0%2F24", operatorToken, `{"jurisdiction": "France"}`, 422, "jurisdiction"},
		"not the token's":      {"PUT", "192.0.2.0%2F24", provisioningToken, `{"jurisdiction": "DE"}`, 403, ""},
		"a household's":        {"PUT", "192.0.2.0%2F24", householdToken, `{"jurisdiction": "FR"}`, 403, ""},
		"the file's is other":  {"PUT", "10.5.0.0%2F16", operatorToken, `{"jurisdiction": "FR"}`, 422, "jurisdiction"},
		"many by a household":  {"POST", "", householdToken, ``, 403, ""},
		"many in JSON":         {"POST", "", provisioningToken, `{}`, 415, ""},
		"another method":       {"PATCH", "10.0.0.0%2F8", operatorToken, `{}`, 405, ""},
	} {
		status, reply, _ := c.call(test.method, strings.TrimSuffix("/api/v1/clients/"+test.path, "/"), test.token, test.body)
		if status != test.status || test.field != "" && !strings.Contains(fmt.Sprint(reply["errors"]), "field:"+test.field) {
			t.Errorf("%s: %d %v", name, status, reply)
		}
	}
	if got := c.who(addressed("10.0.0.1")) + c.who(addressed("192.0.2.1")); got != "IT//" {
		t.Errorf("something refused took effect: %s", got)
	}
	none := serve(t, func(config *api.Config) {
		config.Tokens = append(config.Tokens, api.Token{Name: "crm", Role: redress.Provisioning, Hash: redress.HashToken(provisioningToken)})
	})
	if status, _, _ := none.call("PUT", "/api/v1/clients/10.0.0.0%2F8", provisioningToken, `{}`); status != 404 {
		t.Errorf("without clients: %d", status)
	}
}

func (c *clientele) load(body io.Reader) (int, map[string]any) {
	c.t.Helper()
	request, err := http.NewRequest("POST", c.url+"/api/v1/clients", body)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("Authorization", "Bearer "+provisioningToken)
	status, reply, _ := c.do(request)
	return status, reply
}

func TestManyBindings(t *testing.T) {
	c := bindingServer(t)
	lines := []string{
		`{"prefix": "10.1.0.0/16", "profile": "family"}`, ``, `{"prefix": "10.2.0.0/16", "profile": "x"}`, `{"prefix": "10.3.0.0/16", "profile": "kids"}`,
		`{"prefix": "10.3.0.0/16", "remove": true}`, `not JSON`, `{"prefix": "192.0.2.0/24", "jurisdiction": "DE"}`, `{"prefix": "10.4.0.1:0-99", "profile": "kids"}`, `{"prefix": "10.4.0.1:50-60", "profile": "kids"}`,
	}
	status, reply := c.load(strings.NewReader(strings.Join(lines, "\n")))
	if status != 200 || reply["bound"] != 3.0 || reply["removed"] != 1.0 || reply["refused"] != 4.0 {
		t.Fatalf("%d %v", status, reply)
	}
	var numbers []string
	for _, problem := range reply["problems"].([]any) {
		numbers = append(numbers, fmt.Sprint(problem.(map[string]any)["line"]))
	}
	if got := strings.Join(numbers, " "); got != "3 6 7 9" {
		t.Errorf("lines %s: %v", got, reply)
	}
	if got := c.who(addressed("10.1.0.1")) + " " + c.who(addressed("10.3.0.1")); got != "IT/family IT/" {
		t.Errorf("got %s", got)
	}
	many, write := io.Pipe()
	go func() {
		for i := range 150_000 {
			fmt.Fprintf(write, "{\"prefix\":\"10.%d.%d.%d/32\",\"profile\":\"kids\"}\n", 16+i>>16, i>>8&255, i&255)
		}
		write.Close()
	}()
	if status, reply := c.load(many); status != 200 || reply["bound"] != 150_000.0 {
		t.Errorf("%d %v", status, reply)
	}
	if got := c.who(addressed("10.17.0.5")); got != "IT/kids" {
		t.Errorf("got %s", got)
	}
	if status, reply := c.load(strings.NewReader(`{"prefix":"10.200.0.0/16","profile":"kids"}` + "\n" + strings.Repeat("x", 2000))); status != 400 {
		t.Errorf("a line without end: %d %v", status, reply)
	}
	if got := c.who(addressed("10.200.0.5")); got != "IT/kids" {
		t.Errorf("what stood before: %s", got)
	}
}

func TestDevices(t *testing.T) {
	c := bindingServer(t)
	status, phone, _ := c.call("POST", "/api/v1/clients/devices", operatorToken, `{"label": "Phone", "profile": "kids", "anyone": true}`)
	token, _ := phone["token"].(string)
	if status != 201 || len(token) != 26 || phone["doh"] != "https://dns.example/dns-query/"+token || phone["server_name"] != token+".dns.example" || phone["path"] != "/dns-query/"+token {
		t.Fatalf("%d %v", status, phone)
	}
	away := resolver.Client{Addr: netip.MustParseAddr("198.51.100.1"), Path: token}
	if got := c.who(away); got != "/kids" || !c.table.Names() {
		t.Errorf("away: %s", got)
	}
	if status, _, _ := c.call("POST", "/api/v1/clients/devices", householdToken, `{"label": "Tablet", "profile": "family", "mac": "02:00:5e:10:00:02"}`); status != 201 {
		t.Errorf("on the link: %d", status)
	}
	status, list, _ := c.call("GET", "/api/v1/clients/devices", householdToken, "")
	if status != 200 || len(list["devices"].([]any)) != 2 || len(list["unknown"].([]any)) != 0 || strings.Contains(fmt.Sprint(list), token) || strings.Contains(fmt.Sprint(list), "hash") {
		t.Errorf("%d %v", status, list)
	}
	for name, test := range map[string]struct {
		token, body string
		status      int
	}{
		"from anywhere":  {householdToken, `{"anyone": true}`, 403},
		"provisioning":   {provisioningToken, `{}`, 403},
		"profile":        {householdToken, `{"profile": "x"}`, 422},
		"of a row":       {householdToken, `{"mac": "02:00:5e:10:00:01"}`, 422},
		"taken":          {householdToken, `{"mac": "02:00:5e:10:00:02"}`, 422},
		"no MAC":         {householdToken, `{"mac": "x"}`, 422},
		"a MAC, far off": {operatorToken, `{"mac": "02:00:5e:10:00:03", "anyone": true}`, 422},
		"label":          {householdToken, `{"label": "` + strings.Repeat("x", 61) + `"}`, 422},
		"past":           {householdToken, `{"until": "2020-01-01T00:00:00Z"}`, 422},
	} {
		if status, reply, _ := c.call("POST", "/api/v1/clients/devices", test.token, test.body); status != test.status {
			t.Errorf("%s: %d %v", name, status, reply)
		}
	}
	for _, want := range []int{200, 404} {
		if status, reply, _ := c.call("DELETE", "/api/v1/clients/devices/"+phone["id"].(string), householdToken, ""); status != want {
			t.Errorf("%d %v", status, reply)
		}
	}
	if got := c.who(away); got != "refused" || c.table.Names() {
		t.Errorf("revoked: %s", got)
	}
	for _, device := range list["devices"].([]any) {
		c.call("DELETE", "/api/v1/clients/devices/"+device.(map[string]any)["id"].(string), operatorToken, "")
	}
	_, list, _ = c.call("GET", "/api/v1/clients/devices", operatorToken, "")
	if unknown := fmt.Sprint(list["unknown"]); !strings.Contains(unknown, "02:00:5e:10:00:02") || strings.Contains(unknown, "02:00:5e:10:00:01") {
		t.Errorf("unknown: %s", unknown)
	}
	if logs := c.Logs.String(); strings.Contains(logs, token) || strings.Contains(logs, "198.51.100.1") {
		t.Errorf("logged: %s", logs)
	}
}

// A token of one home's profiles works with nobody else's clients.
func TestOneHome(t *testing.T) {
	c := bindingServer(t)
	c.call("PUT", "/api/v1/clients/10.1.0.0%2F16", operatorToken, `{"profile": "kids"}`)
	_, others, _ := c.call("POST", "/api/v1/clients/devices", operatorToken, `{"profile": "kids"}`)
	for name, test := range map[string]struct {
		method, path, body string
		status             int
	}{
		"its own":           {"PUT", "10.2.0.0%2F16", `{"profile": "family"}`, 200},
		"another's profile": {"PUT", "10.3.0.0%2F16", `{"profile": "kids"}`, 403},
		"another's client":  {"PUT", "10.1.0.0%2F16", `{"profile": "family"}`, 403},
		"another's end":     {"DELETE", "10.1.0.0%2F16", "", 403},
		"another's binding": {"GET", "10.1.0.0%2F16", "", 404},
		"another's device":  {"DELETE", "devices/" + others["id"].(string), "", 404},
		"a device for kids": {"POST", "devices", `{"profile": "kids"}`, 403},
		"a device":          {"POST", "devices", `{"profile": "family"}`, 201},
	} {
		if status, reply, _ := c.call(test.method, "/api/v1/clients/"+test.path, rossiToken, test.body); status != test.status {
			t.Errorf("%s: %d %v", name, status, reply)
		}
	}
	_, list, _ := c.call("GET", "/api/v1/clients/devices", rossiToken, "")
	if len(list["devices"].([]any)) != 1 || len(list["unknown"].([]any)) != 0 {
		t.Errorf("%v", list)
	}
	if got := c.who(addressed("10.1.2.3")) + " " + c.who(addressed("10.2.2.3")); got != "IT/kids IT/family" {
		t.Errorf("got %s", got)
	}
}
