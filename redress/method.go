package redress

import (
	"context"
	"crypto/sha256"
	"strings"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Method is a way to prove that one controls a name.
type Method string

// The methods.
const (
	ByDNS      Method = "dns"      // a TXT record below the name
	ByHTTP     Method = "http"     // a file on the name's own host
	ByPage     Method = "page"     // the code in the home page
	ByMail     Method = "mail"     // a code that was sent to a mailbox of the name
	ByDocument Method = "document" // a person looks at a paper
)

// Methods are all of them, the one that proves most first.
func Methods() []Method { return []Method{ByDNS, ByHTTP, ByPage, ByMail, ByDocument} }

// Watched says whether a proof can be looked for without asking the party.
func (m Method) Watched() bool { return m == ByDNS || m == ByHTTP || m == ByPage }

// Prover finds out whether who filed controls the name.
type Prover interface {
	// Prove tries the claim's method now. Its error means that the trying failed on our
	// side; whatever is wrong on the party's is in the proof.
	Prove(ctx context.Context, claim Claim) (Proof, error)
}

// Claim is that who filed controls the name, to be proved by one method.
type Claim struct {
	Case      CaseID
	Filing    FilingID
	Name      wire.Name
	Language  string // of the party
	Challenge Challenge
	Method    Method
	// Code is what came by mail, for that method only. Empty: send one.
	Code string
}

// Proof is what a proof of control came to.
type Proof struct {
	Verified bool
	// Flaw is what is missing, as a word; empty where nothing is.
	Flaw Flaw
	// At is where the proof was looked for: a record's name, an address, a mailbox.
	At string
	// Found is where it was found instead, or by which name; empty where it does not matter.
	Found string
	// Detail is a sentence for the party in English, that helps to mend what is missing.
	Detail string
}

// Challenge is what has to be where only who controls the name can put it.
type Challenge struct {
	// Name and Value are those of the TXT record. The value is also what the file says,
	// and what the home page has to show.
	Name  string
	Value string
	// URL is the file's address.
	URL string
	// Page is the home page's address.
	Page string
}

// challengePath is below which the file lies (RFC 8615).
const challengePath = "/.well-known/redress-challenge/"

// ChallengeFor is the challenge for a name. The file's own name is made of the value, so
// that a server that repeats what it was asked for does not thereby say the value.
func ChallengeFor(name wire.Name, value string) Challenge {
	digest := sha256.Sum256([]byte("recourse file of " + value))
	file := strings.ToLower(plain.EncodeToString(digest[:20]))
	host := name.String()
	return Challenge{Name: "_redress-challenge." + host, Value: value, URL: "http://" + host + challengePath + file, Page: "http://" + host + "/"}
}

func (f *Filing) challenge() Challenge { return ChallengeFor(f.Name, f.Challenge) }

// MetaTag is the value as a line for the head of a home page.
func MetaTag(value string) string {
	return `<meta name="redress-challenge" content="` + value + `">`
}
