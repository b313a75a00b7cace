package notify

import "net/netip"

// OnCallConfig is who is told when something waits for a person.
type OnCallConfig struct {
	Mail              string         `yaml:"mail"`
	Webhook           string         `yaml:"webhook"`
	WebhookSecretFile string         `yaml:"webhook_secret_file"` // one's own in the state directory where empty
	PrivateAddresses  []netip.Prefix `yaml:"private_addresses"`   // networks in which webhooks may be called
	EscalateTo        ContactConfig  `yaml:"escalate_to"`         // who is told too of what nobody acknowledged
}

// ContactConfig is how somebody is reached.
type ContactConfig struct {
	Mail    string `yaml:"mail"`
	Webhook string `yaml:"webhook"`
}

// Webhooks says whether any webhook is named.
func (c *OnCallConfig) Webhooks() bool { return c.Webhook != "" || c.EscalateTo.Webhook != "" }

// SMTPConfig is how mail leaves.
type SMTPConfig struct {
	SMTP         string `yaml:"smtp"` // host:port
	From         string `yaml:"from"`
	TLS          TLS    `yaml:"tls" oneof:"starttls,implicit,off"`
	CA           string `yaml:"ca"` // a file of further authorities of certificates
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
}
