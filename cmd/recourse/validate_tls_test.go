package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

const tlsHead = `operator: {name: Example, contact: "mailto:a@example.net", portal: "https://dns.example.net"}
state: ./state
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`

// certificateFiles puts pairs of every kind beside the configuration.
func certificateFiles(t *testing.T, text string) string {
	t.Helper()
	directory := write(t, map[string]string{"recourse.yaml": tlsHead + text, "good.key": transferKey, "mac.key": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n", "rubbish": "rubbish\n"})
	ca, now, day := tlsconftest.New(t), time.Now(), 24*time.Hour
	for name, when := range map[string]tlsconftest.Life{
		"good":   tlsconftest.Year(),
		"ended":  tlsconftest.Between(now.Add(-90*day), now.Add(-day)),
		"soon":   tlsconftest.Between(now.Add(-80*day), now.Add(10*day)),
		"future": tlsconftest.Between(now.Add(day), now.Add(90*day)),
	} {
		ca.Issue(t, when, "dns.example.net").Write(t, filepath.Join(directory, name))
	}
	ca.Issue(t, tlsconftest.Year(), "other.example.net", "*.shop.example.net").Write(t, filepath.Join(directory, "other"))
	return filepath.Join(directory, "recourse.yaml")
}

// TestCertificatesAreChecked: each mistake is one problem at its key, and what is doubtful a warning.
func TestCertificatesAreChecked(t *testing.T) {
	const web = "listen: {do53: [\"127.0.0.1:5300\"], web_tls: [\"127.0.0.1:443\"]}\n"
	const high = "listen: {do53: [\"127.0.0.1:5300\"], web_tls: [\"127.0.0.1:8443\"]}\n"
	pair := func(name string) string {
		return "tls: {certificate: " + name + "/cert.pem, key: " + name + "/key.pem}\n"
	}
	acme := func(more string) string {
		return "tls: {acme: {directory: \"https://acme.example/dir\", " + more + "}}\n"
	}
	const names = "names: [dns.example.net]"
	const dns = "challenge: dns-01, " + names + ", update: {server: 192.0.2.53"
	const key = "tsig: {name: k, algorithm: hmac-sha256, secret_file: good.key}"
	for _, test := range []struct{ text, problem, warning, says string }{
		{web + pair("good"), "", "", ""},
		{web + "tls: {certificate: good/cert.pem, key: good/key.pem, more: [{certificate: other/cert.pem, key: other/key.pem}]}\n", "", "", ""},
		{web, "", "listen.web_tls", "self-signed"},
		{"listen: {do53: [\"127.0.0.1:5300\"]}\n" + pair("good"), "", "tls", "nothing presents"},
		{web + pair("ended"), "", "tls.certificate", "ended on"},
		{web + pair("soon"), "", "tls.certificate", "ends on"},
		{web + pair("future"), "", "tls.certificate", "holds from"},
		{web + pair("other"), "", "operator.portal", `no certificate is for "dns.example.net"`},
		{web + pair("absent"), "tls.certificate tls.key", "", "no such file"},
		{web + "tls: {certificate: good/cert.pem, key: other/key.pem}\n", "tls.key", "", "does not go with"},
		{web + "tls: {certificate: good/cert.pem}\n", "tls.key", "", "is missing"},
		{web + "tls: {key: good/key.pem}\n", "tls.certificate", "", "is missing"},
		{web + "tls: {certificate: rubbish, key: good/key.pem}\n", "tls.certificate", "", "no certificate in PEM"},
		{web + "tls: {certificate: good/cert.pem, key: good/key.pem, more: [{certificate: other/cert.pem, key: rubbish}]}\n", "tls.more[0].key", "", "no private key"},
		{strings.Replace(web, "}", ", name: dns.example.net}", 1) + pair("good"), "", "", ""},
		{strings.Replace(web, "}", ", name: a.shop.example.net}", 1) + pair("other") + "", "", "operator.portal", "no certificate is for"},
		{strings.Replace(web, "}", ", name: dns2.example.net}", 1) + pair("good"), "", "listen.name", "no certificate is for"},
		{strings.Replace(web, "}", ", name: _dns.resolver.arpa}", 1) + pair("good"), "listen.name", "", "not a name of a host"},
		{strings.Replace(web, "}", ", name: resolver.arpa}", 1) + pair("good"), "listen.name", "", "every resolver's"},
		{web + acme(names), "", "", ""},
		{web + acme("names: [dns.example.net, 192.0.2.1, \"2001:db8::1\"]"), "", "", ""},
		{web + acme("names: [other.example.net]"), "", "operator.portal", "no certificate is for"},
		{high + acme(names), "", "tls.acme.challenge", "port 443"},
		{high + acme(names+", listen: \"127.0.0.1:443\""), "", "", ""},
		{high + acme(names+", listen: \"127.0.0.1:8443\""), "tls.acme.listen", "", "taken by"},
		{high + acme(names+", listen: \"127.0.0.1:9443\""), "", "tls.acme.listen", "port 443"},
		{"listen: {do53: [\"127.0.0.1:5300\"], dot: [\"127.0.0.1:853\"]}\n" + acme(names), "tls.acme.listen", "", "is missing"},
		{web + "tls: {acme: {" + names + "}}\n", "tls.acme.directory", "", "is missing"},
		{web + strings.Replace(acme(names), "https", "http", 1), "tls.acme.directory", "", "https"},
		{web + acme("email: me"), "tls.acme.email tls.acme.names", "", "mail"},
		{web + acme("names: [\"*.example.net\"]"), "tls.acme.names[0]", "", "dns-01"},
		{web + acme("names: [\"dns_1.example.net\"]"), "tls.acme.names[0]", "", "is not a name"},
		{web + acme("names: [localhost]"), "tls.acme.names[0]", "", "is not a name"},
		{web + acme(names+", ca: rubbish"), "tls.acme.ca", "", "no certificate in PEM"},
		{web + acme(names+", ca: good/cert.pem, account: {key_id: a, key_file: mac.key}"), "", "", ""},
		{web + acme(names+", account: {key_id: a}"), "tls.acme.account", "", "go together"},
		{web + acme(names+", account: {key_id: a, key_file: absent}"), "tls.acme.account.key_file", "", "no such file"},
		{web + acme(names+", challenge: http-01"), "tls.acme.challenge", "", "is not one of"},
		{web + acme(dns+", "+key+"}"), "", "", ""},
		{web + acme(dns+"}"), "", "tls.acme.update", "not signed"},
		{web + acme("challenge: dns-01, "+names), "tls.acme.update.server", "", "is missing"},
		{web + acme("challenge: dns-01, names: [192.0.2.1], update: {server: 192.0.2.53, "+key+"}"), "tls.acme.names[0]", "operator.portal", "tls-alpn-01"},
		{web + acme(strings.Replace(dns, "192.0.2.53", "ns.example", 1)+", "+key+"}"), "tls.acme.update.server", "", "not an address"},
		{web + acme(dns+", zone: example..net, "+key+"}"), "tls.acme.update.zone", "", ""},
		{web + acme(dns+", tsig: {name: k, algorithm: hmac-sha256, secret_file: absent}}"), "tls.acme.update.tsig.secret_file", "", "no such file"},
	} {
		_, warnings, err := LoadConfig(certificateFiles(t, test.text))
		var got []string
		var problems *ConfigError
		if errors.As(err, &problems) {
			for _, problem := range problems.Problems {
				got = append(got, problem.Path)
			}
		}
		if want := strings.Fields(test.problem); !slices.Equal(got, want) {
			t.Errorf("%s: problems at %q, want %q: %v", test.text, got, want, err)
		}
		said := ""
		for _, warning := range warnings {
			if warning.Path == test.warning {
				said = warning.Text
			} else if test.problem == "" {
				t.Errorf("%s: %s", test.text, warning)
			}
		}
		if err != nil {
			said = err.Error()
		}
		if !strings.Contains(said, test.says) || (said == "") != (test.warning == "" && test.problem == "") {
			t.Errorf("%s: says %q", test.text, said)
		}
	}
}

// TestStateAndModesAreChecked: what lies in the state, and who may read a key.
func TestStateAndModesAreChecked(t *testing.T) {
	file := certificateFiles(t, "listen: {do53: [\"127.0.0.1:5300\"], web_tls: [\"127.0.0.1:443\"]}\n")
	made := filepath.Join(filepath.Dir(file), "state", "self-signed.pem")
	if err := errors.Join(os.Mkdir(filepath.Dir(made), 0o700), os.WriteFile(made, []byte("rubbish"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadConfig(file); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("a damaged self-signed certificate: %v", err)
	}
	file = certificateFiles(t, "listen: {do53: [\"127.0.0.1:5300\"], web_tls: [\"127.0.0.1:443\"]}\ntls: {certificate: good/cert.pem, key: good/key.pem}\n")
	if err := os.Chmod(filepath.Join(filepath.Dir(file), "good", "key.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, warnings, err := LoadConfig(file)
	if err != nil || len(warnings) != 1 || warnings[0].Path != "tls.key" || !strings.Contains(warnings[0].Text, "everybody") {
		t.Errorf("an open key: %v, %v", warnings, err)
	}
}

func TestAnUnreadableKeyIsExplained(t *testing.T) {
	said := permissionHint(&os.PathError{Op: "open", Path: "key.pem", Err: os.ErrPermission}).Error()
	if !strings.Contains(said, "may not be read by user") || !strings.Contains(said, "chmod 640") {
		t.Error(said)
	}
	if other := errors.New("other"); !errors.Is(permissionHint(other), other) {
		t.Error("another error is changed")
	}
}
