package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/lab"
)

// runLab serves the miniature Internet on loopback until it is told to end.
func runLab(ctx context.Context, env *environment, options LabOptions) error {
	internet, err := lab.New(lab.Config{})
	if err != nil {
		return err
	}
	servers, err := internet.Serve(options.Port)
	if err != nil {
		return err
	}
	updates, err := internet.Updates("127.0.0.1:0")
	if err != nil {
		return errors.Join(err, servers.Close())
	}
	if err := describeLab(env.stdout, internet, servers, updates); err != nil {
		return errors.Join(err, updates.Close(), servers.Close())
	}
	<-ctx.Done()
	return errors.Join(updates.Close(), servers.Close())
}

func describeLab(to io.Writer, internet *lab.Internet, servers *lab.Servers, updates *lab.UpdateServer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "The miniature Internet answers on port %d of its servers' addresses, UDP and TCP.\n\nRoot hints:\n", servers.Port())
	for _, record := range internet.Hints() {
		fmt.Fprintf(&text, "  %s\n", record)
	}
	text.WriteString("Trust anchors:\n")
	for _, record := range internet.Anchors() {
		fmt.Fprintf(&text, "  %s\n", record)
	}
	text.WriteString("Names to try:\n")
	for _, sample := range internet.Names() {
		fmt.Fprintf(&text, "  %-34s %-6s %s\n", sample.Name, dns.TypeToString[sample.Type], sample.About)
	}
	text.WriteString(updateHelp(updates))
	_, err := io.WriteString(to, text.String())
	return err
}

// updateHelp shows how a record is put into a zone of the miniature Internet.
func updateHelp(updates *lab.UpdateServer) string {
	host, port, _ := strings.Cut(updates.Addr(), ":")
	name, secret := updates.Key()
	return fmt.Sprintf(`Updates (RFC 2136) are taken on %s; for example:
  nsupdate -y hmac-sha256:%s:%s <<'END'
  server %s %s
  update add _redress-challenge.phish.example. 60 TXT "redress=..."
  send
  END
`, updates.Addr(), strings.TrimSuffix(name, "."), secret, host, port)
}
