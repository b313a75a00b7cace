package main

import (
	"github.com/recourse-dns/recourse/redress/notify"
)

// checkOnCall looks at who is told when something waits for a person.
func (c *Config) checkOnCall() {
	c.checkContact("on_call", c.OnCall.Mail, c.OnCall.Webhook)
	c.checkContact("on_call.escalate_to", c.OnCall.EscalateTo.Mail, c.OnCall.EscalateTo.Webhook)
	if c.OnCall.WebhookSecretFile == "" {
		return
	}
	if !c.OnCall.Webhooks() {
		c.report.warn("on_call.webhook_secret_file", "signs nothing: there is no webhook")
	}
	if _, err := c.webhookSecrets(); err != nil {
		c.fileProblem("on_call.webhook_secret_file", c.OnCall.WebhookSecretFile, err)
	}
}

func (c *Config) checkContact(path, mail, webhook string) {
	if mail != "" {
		if _, err := notify.ParseAddress(mail); err != nil {
			c.report.problem(child(path, "mail"), "%s is %s", quote(mail), err)
		} else if c.Desk.Mail.SMTP == "" && !c.report.isBadWithin("desk") {
			c.report.problem(child(path, "mail"), "no mail leaves without desk.mail: {smtp: …, from: …}")
		}
	}
	if webhook != "" {
		if _, err := notify.ParseWebhook(webhook); err != nil {
			c.report.problem(child(path, "webhook"), "%s", err) // the address may hold what is secret
		}
	}
}

// checkMail looks at how mail leaves.
func (c *Config) checkMail() {
	mail := &c.Desk.Mail
	if *mail == (notify.SMTPConfig{}) {
		return
	}
	host, port, err := splitServer(mail.SMTP)
	switch {
	case mail.SMTP == "":
		c.report.problem("desk.mail.smtp", "is missing: the mail server, as smtp.example.net:587")
	case err != nil:
		c.report.problem("desk.mail.smtp", "%s %s", quote(mail.SMTP), err)
	case mailTLS(mail, host, port) == notify.NoTLS && !notify.IsLocal(host):
		c.report.problem("desk.mail.tls", "off is for a server on this machine: to %s go only starttls and implicit", quote(host))
	}
	if mail.From == "" {
		c.report.problem("desk.mail.from", "is missing: the mailbox that mail comes from, as redress@example.net")
	} else if _, err := notify.ParseAddress(mail.From); err != nil {
		c.report.problem("desk.mail.from", "%s is %s", quote(mail.From), err)
	}
	if _, err := c.mailRoots(); err != nil {
		c.fileProblem("desk.mail.ca", mail.CA, err)
	}
	switch {
	case mail.User == "" && mail.PasswordFile != "":
		c.report.problem("desk.mail.user", "is missing: whose password is in %s", quote(mail.PasswordFile))
	case mail.User != "" && mail.PasswordFile == "":
		c.report.problem("desk.mail.password_file", "is missing: the file that holds the password of %s", quote(mail.User))
	case mail.User != "":
		if _, err := c.mailPassword(); err != nil {
			c.fileProblem("desk.mail.password_file", mail.PasswordFile, err)
		}
	}
}
