package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sourcesHead = `operator: {name: Example, contact: "mailto:a@example.net", portal: "https://dns.example.net"}
listen: {do53: ["127.0.0.1:5300"]}
state: ./state
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`

const sourceList = `blocklists:
  - {id: phishing, purpose: security, category: phishing, title: {en: Phishing}, publisher: {name: Example}, FORMAT scope: subtree, review_every: 90d, source: {SOURCE}}
`

// TestSourcesAreChecked: each mistake is one problem at its key, and what is doubtful a warning.
func TestSourcesAreChecked(t *testing.T) {
	web := func(more string) string {
		return strings.NewReplacer("FORMAT", "format: domains,", "SOURCE", `url: "https://lists.example/a.txt"`+more).Replace(sourceList)
	}
	zone := func(source string) string {
		return strings.NewReplacer("FORMAT ", "", "SOURCE", source).Replace(sourceList)
	}
	serve := func(more string) string {
		return "serve_rpz: {zone: policy.rpz.example.net, purposes: [security], " + more + "}\n"
	}
	const key = "tsig: {name: k, algorithm: hmac-sha256, secret_file: good.key}"
	for _, test := range []struct{ text, problem, warning string }{
		{web(""), "", ""},
		{web(", refresh: 5m, max_age: 2d, on_stale: keep, bootstrap: [192.0.2.1], private_addresses: [10.0.0.0/8], proxy: \"http://192.0.2.1:3128\""), "", ""},
		{web(", verify: {minisign: good.pub, sha256: .sha256}"), "", ""},
		{web(", verify: {minisign: absent.pub}"), "blocklists[0].source.verify.minisign", ""},
		{web(", verify: {openpgp: good.key}"), "blocklists[0].source.verify.openpgp", ""},
		{web(", on_stale: forget"), "blocklists[0].source.on_stale", ""},
		{web(", bootstrap: [lists.example]"), "blocklists[0].source.bootstrap[0]", ""},
		{strings.Replace(web(""), "https://", "http://", 1), "", "blocklists[0].source.url"},
		{strings.Replace(web(", verify: {minisign: good.pub}"), "https://", "http://", 1), "", ""},
		{strings.Replace(web(", verify: {sha256: .sha256}"), "https://", "http://", 1), "", "blocklists[0].source.url"},
		{serve(key), "", ""},
		{serve("allow_unsigned: [127.0.0.1/32]"), "", "serve_rpz.allow_unsigned"},
		{serve("per_list: true"), "serve_rpz.tsig", ""},
		{serve("tsig: {name: k, algorithm: hmac-md5, secret_file: good.key}"), "serve_rpz.tsig.algorithm", ""},
		{serve("tsig: {name: k, algorithm: hmac-sha256, secret_file: short.key}"), "serve_rpz.tsig.secret_file", ""},
		{serve("tsig: {name: k, algorithm: hmac-sha256, secret_file: absent.key}"), "serve_rpz.tsig.secret_file", ""},
		{serve(key + `, notify: ["ns.example"]`), "serve_rpz.notify[0]", ""},
		{serve(key + ", jurisdiction: Italy"), "serve_rpz.jurisdiction", ""},
		{"serve_rpz: {zone: policy..example, purposes: [law], " + key + "}\n", "serve_rpz.zone", ""},
		{"serve_rpz: {zone: policy.example, " + key + "}\n", "serve_rpz.purposes", ""},
		{zone("rpz: rpz.example.net"), "blocklists[0].source.primary", ""},
		{zone("rpz: rpz.example.net, primary: [ns.example]"), "blocklists[0].source.primary[0]", ""},
		{zone(`catalog: all.example.net, primary: ["tls://192.0.2.53"]`), "blocklists[0].source.tls", ""},
	} {
		directory := write(t, map[string]string{"recourse.yaml": sourcesHead + test.text, "good.key": transferKey, "short.key": "c2hvcnQ=\n",
			"good.pub": "untrusted comment: key\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n"})
		_, warnings, err := LoadConfig(filepath.Join(directory, "recourse.yaml"))
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
		warned := slices.ContainsFunc(warnings, func(w Warning) bool { return w.Path == test.warning })
		if (test.warning != "") != warned || test.warning == "" && test.problem == "" && len(warnings) > 0 {
			t.Errorf("%s: warnings %v, want one at %q", test.text, warnings, test.warning)
		}
	}
}
