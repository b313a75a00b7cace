package main

import (
	"errors"
	"path/filepath"
	"testing"
)

// piece is some of a configuration, with the key of the one problem or warning that it has.
type piece struct{ text, problem, warning string }

// TestNoticesAreChecked: each mistake is one problem at its key.
func TestNoticesAreChecked(t *testing.T) {
	const mail = "desk: {mail: {smtp: \"smtp.example.net:587\", from: redress@example.net}}\n"
	onCall := func(text string) string { return "on_call: {" + text + "}\n" + mail }
	smtp := func(text string) string { return "desk: {mail: {" + text + "}}\n" }
	checkEach(t, []piece{
		{onCall(`mail: noc@example.net, webhook: "https://noc.example.net/hook"`), "", ""},
		{onCall(`webhook: "http://127.0.0.1:8000/", webhook_secret_file: good.secret, private_addresses: [10.0.0.0/8], escalate_to: {mail: boss@example.net}`), "", ""},
		{onCall(`mail: "NOC <noc@example.net>"`), "on_call.mail", ""},
		{onCall(`webhook: "http://noc.example.net/hook"`), "on_call.webhook", ""},
		{onCall(`webhook: "https://user:pass@noc.example.net/hook"`), "on_call.webhook", ""},
		{onCall(`webhook: "https://noc.example.net/hook", webhook_secret_file: absent.secret`), "on_call.webhook_secret_file", ""},
		{onCall(`webhook: "https://noc.example.net/hook", webhook_secret_file: password`), "on_call.webhook_secret_file", ""},
		{onCall(`mail: noc@example.net, webhook_secret_file: good.secret`), "", "on_call.webhook_secret_file"},
		{onCall(`escalate_to: {mail: boss}`), "on_call.escalate_to.mail", ""},
		{onCall(`escalate_to: {webhook: boss.example}`), "on_call.escalate_to.webhook", ""},
		{"on_call: {mail: noc@example.net}\n", "on_call.mail", ""},
		{smtp(`smtp: "127.0.0.1:25", from: a@example.net`), "", ""},
		{smtp(`smtp: "smtp.example.net:465", from: a@example.net, user: a, password_file: password`), "", ""},
		{smtp(`smtp: "smtp.example.net:25", from: a@example.net, tls: off`), "desk.mail.tls", ""},
		{smtp(`smtp: "smtp.example.net:25", from: a@example.net, tls: maybe`), "desk.mail.tls", ""},
		{smtp(`smtp: smtp.example.net, from: a@example.net`), "desk.mail.smtp", ""},
		{smtp(`smtp: "smtp.example.net:0", from: a@example.net`), "desk.mail.smtp", ""},
		{smtp(`from: a@example.net`), "desk.mail.smtp", ""},
		{smtp(`smtp: "smtp.example.net:587"`), "desk.mail.from", ""},
		{smtp(`smtp: "smtp.example.net:587", from: "a@b"`), "desk.mail.from", ""},
		{smtp(`smtp: "smtp.example.net:587", from: a@example.net, user: a`), "desk.mail.password_file", ""},
		{smtp(`smtp: "smtp.example.net:587", from: a@example.net, user: a, password_file: absent`), "desk.mail.password_file", ""},
		{smtp(`smtp: "smtp.example.net:587", from: a@example.net, user: a, password_file: lines`), "desk.mail.password_file", ""},
		{smtp(`smtp: "smtp.example.net:587", from: a@example.net, password_file: password`), "desk.mail.user", ""},
		{smtp(`smtp: "smtp.example.net:587", from: a@example.net, ca: password`), "desk.mail.ca", ""},
	})
}

func checkEach(t *testing.T, tests []piece) {
	t.Helper()
	for _, test := range tests {
		directory := write(t, map[string]string{"recourse.yaml": sourcesHead + test.text, "password": "secret\n", "lines": "one\ntwo\n",
			"good.secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"})
		_, warnings, err := LoadConfig(filepath.Join(directory, "recourse.yaml"))
		var problems *ConfigError
		switch errors.As(err, &problems); {
		case test.problem == "" && err != nil:
			t.Errorf("%s: %v", test.text, err)
		case test.problem != "" && (problems == nil || len(problems.Problems) != 1 || problems.Problems[0].Path != test.problem):
			t.Errorf("%s: %v; want one problem at %s", test.text, err, test.problem)
		}
		if warned := len(warnings) == 1 && warnings[0].Path == test.warning; test.warning != "" && !warned || test.warning == "" && len(warnings) > 0 {
			t.Errorf("%s: warnings %v", test.text, warnings)
		}
	}
}
