package proof

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/outbound"
)

// webPatience is how long one fetch may take.
const webPatience = 5 * time.Second

// maxHome is the most of a home page that is read, in octets.
const maxHome = 512 << 10

// webPorts are those of the web, and no others.
func webPorts() []string { return []string{"80", "443"} }

// File proves control by a file on the name's own host. It implements redress.Prover.
type File struct{ client *outbound.Client }

// NewFile makes a prover that connects through the dialer, whose lookup must lie below policy.
func NewFile(agent string, dialer *outbound.Dialer) *File {
	return &File{client: outbound.New(outbound.Config{Agent: agent, Ports: webPorts(), Patience: webPatience, Redirections: 3, AnyCertificate: true}, dialer)}
}

// Prove fetches the file now.
func (f *File) Prove(ctx context.Context, claim redress.Claim) (redress.Proof, error) {
	at := claim.Challenge.URL
	reply, err := fetch(ctx, f.client, at)
	if err != nil {
		return unfetched(at, err), nil
	}
	switch body := bytes.TrimRight(reply.Body, "\r\n"); {
	case reply.Status != http.StatusOK:
		return badStatus(at, reply.Status), nil
	case string(body) == claim.Challenge.Value:
		return redress.Proof{Verified: true, At: at, Detail: "The file at " + at + " is right."}, nil
	case bytes.Contains(body, []byte(claim.Challenge.Value)):
		return refused(redress.FlawDecorated, at, "The file at %s has more in it than the value. It must hold the value alone.", at), nil
	case len(body) == 0:
		return refused(redress.FlawAbsent, at, "The file at %s is empty.", at), nil
	}
	return refused(redress.FlawOther, at, "There is something at %s, but not the value that is shown here.", at), nil
}

// Page proves control by the code in the home page. It implements redress.Prover.
type Page struct{ client *outbound.Client }

// NewPage makes a prover that connects through the dialer, whose lookup must lie below policy.
func NewPage(agent string, dialer *outbound.Dialer) *Page {
	return &Page{client: outbound.New(outbound.Config{Agent: agent, Ports: webPorts(), Patience: webPatience, MaxBody: maxHome, Cut: true, Redirections: 3, AnyCertificate: true}, dialer)}
}

// Prove fetches the home page now.
func (p *Page) Prove(ctx context.Context, claim redress.Claim) (redress.Proof, error) {
	at := claim.Challenge.Page
	reply, err := fetch(ctx, p.client, at)
	if err != nil {
		return unfetched(at, err), nil
	}
	switch {
	case reply.Status != http.StatusOK:
		return badStatus(at, reply.Status), nil
	case Shows(reply.Body, claim.Challenge.Value):
		return redress.Proof{Verified: true, At: at, Detail: "The page at " + at + " shows the code."}, nil
	case bytes.Contains(reply.Body, []byte(claim.Challenge.Value)):
		return refused(redress.FlawMisplaced, at, "The code is in the page at %s, but not where its readers see it and not in a meta tag. Put it into the text.", at), nil
	}
	return refused(redress.FlawAbsent, at, "The page at %s does not show the code yet. If you have just saved it, a cache may still give the old page: try again in a few minutes.", at), nil
}

// fetch tries plain HTTP, and HTTPS where nothing answers on its port.
func fetch(ctx context.Context, client *outbound.Client, text string) (*outbound.Reply, error) {
	address, err := url.Parse(text)
	if err != nil {
		return nil, &outbound.Error{Problem: outbound.Refused, Host: text, Err: err}
	}
	reply, err := client.Get(ctx, address, nil)
	if outbound.ProblemOf(err) != outbound.Unreachable {
		return reply, err
	}
	address.Scheme = "https"
	return client.Get(ctx, address, nil)
}

func badStatus(at string, status int) redress.Proof {
	proof := refused(redress.FlawStatus, at, "The site answers with the error %d at %s.", status, at)
	if status == http.StatusNotFound {
		proof = refused(redress.FlawAbsent, at, "There is no file at %s yet.", at)
	}
	proof.Found = strconv.Itoa(status)
	return proof
}

// unfetched says why there is no reply.
func unfetched(at string, err error) redress.Proof {
	for _, known := range []struct {
		problem outbound.Problem
		flaw    redress.Flaw
		detail  string
	}{
		{outbound.NotPublic, redress.FlawNotPublic, "The name has no address that can be reached from the Internet, so %s was not opened."},
		{outbound.Unresolved, redress.FlawUnresolved, "The name has no address, so %s cannot be opened. Put the TXT record into its DNS instead."},
		{outbound.Slow, redress.FlawSlow, "The site took more than five seconds at %s. Try again in a few minutes."},
		{outbound.TooLarge, redress.FlawTooLarge, "What the site sends at %s is too large. The file must hold the value alone."},
		{outbound.Elsewhere, redress.FlawElsewhere, "The site leads from %s to another host, which proves control of that one only. Put the TXT record into the DNS of the name instead."},
		{outbound.Circling, redress.FlawElsewhere, "The site leads from %s on and on. Put the TXT record into the DNS of the name instead."},
		{outbound.Encoded, redress.FlawEncoded, "The site sends %s compressed, which was not asked for. Switch that off for this address."},
	} {
		if outbound.ProblemOf(err) == known.problem {
			return refused(known.flaw, at, known.detail, at)
		}
	}
	return refused(redress.FlawNoSite, at, "No connection to the site could be made for %s. Try again in a few minutes.", at)
}
