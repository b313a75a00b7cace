package fetch_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/blake2b"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
)

// signer signs as minisign does.
type signer struct {
	public string
	key    ed25519.PrivateKey
}

func newSigner(t *testing.T, seed byte) *signer {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public := append([]byte("Ed12345678"), key.Public().(ed25519.PublicKey)...)
	return &signer{public: base64.StdEncoding.EncodeToString(public), key: key}
}

func (s *signer) sign(text string, at int64, prehashed bool) string {
	algorithm, signed := "Ed", []byte(text)
	if prehashed {
		sum := blake2b.Sum512(signed)
		algorithm, signed = "ED", sum[:]
	}
	signature := ed25519.Sign(s.key, signed)
	comment := fmt.Sprintf("timestamp:%d\tfile:ads.txt\thashed", at)
	global := ed25519.Sign(s.key, append(bytes.Clone(signature), comment...))
	return "untrusted comment: signature\n" + base64.StdEncoding.EncodeToString(append([]byte(algorithm+"12345678"), signature...)) +
		"\ntrusted comment: " + comment + "\n" + base64.StdEncoding.EncodeToString(global) + "\n"
}

// signedPlace is a web server with a list and what lies beside it.
func signedPlace(t *testing.T) (*webPlace, map[string]string) {
	served := map[string]string{}
	return newWebPlace(t, func(w http.ResponseWriter, r *http.Request) {
		text, found := served[r.URL.Path]
		if !found {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if r.Header.Get("Accept-Encoding") == "gzip" && strings.HasSuffix(r.URL.Path, "/ads.txt") {
			t.Error("a signed list was asked for in another form than it was signed in")
		}
		say(text)(w, r)
	}), served
}

func TestMinisign(t *testing.T) {
	for _, prehashed := range []bool{true, false} {
		good, other := newSigner(t, 1), newSigner(t, 2)
		p, served := signedPlace(t)
		p.manifest.Source.Verify = blocklists.Verify{Minisign: good.public}
		served["/ads.txt"] = "one"
		p.fails("answered 404")
		served["/ads.txt.minisig"] = good.sign("one", 1_800_000_000, prehashed)
		if status := p.want(fetch.OK, "one"); !status.SignedAt.Equal(time.Unix(1_800_000_000, 0)) {
			t.Errorf("signed at %s", status.SignedAt)
		}
		for why, change := range map[string]struct{ text, signature string }{
			"does not fit": {"forged", good.sign("one", 1_800_000_100, prehashed)},
			"Invalid":      {"two", other.sign("two", 1_800_000_100, prehashed)},
			"older than":   {"two", good.sign("two", 1_799_999_999, prehashed)},
			"cannot be":    {"two", "no signature"},
			"global":       {"two", strings.Replace(good.sign("two", 1_800_000_100, prehashed), "1800000100", "1900000000", 1)},
		} {
			served["/ads.txt"], served["/ads.txt.minisig"] = change.text, change.signature
			p.restart()
			p.fails(why)
			p.want(fetch.Kept, "one")
		}
		served["/ads.txt"], served["/ads.txt.minisig"] = "two", good.sign("two", 1_800_000_000, prehashed)
		p.want(fetch.OK, "two")
	}
}

func TestSignaturesElsewhereAndKeysInFiles(t *testing.T) {
	good := newSigner(t, 1)
	p, served := signedPlace(t)
	file := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(file, []byte("untrusted comment: key\n"+good.public+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.manifest.Source.Verify = blocklists.Verify{Minisign: file, Signature: p.server.URL + "/signatures/1"}
	served["/ads.txt"], served["/signatures/1"] = "one", good.sign("one", 1, true)
	p.want(fetch.OK, "one")
	if key, err := fetch.CheckVerify(&p.manifest.Source.Verify); err != nil {
		t.Errorf("%s: %v", key, err)
	}
	for want, bad := range map[string]blocklists.Verify{"minisign": {Minisign: "RW"}, "openpgp": {OpenPGP: file}} {
		if key, err := fetch.CheckVerify(&bad); err == nil || key != want {
			t.Errorf("%+v: %s, %v", bad, key, err)
		}
	}
}

func TestSHA256(t *testing.T) {
	sum := func(text string) string { s := sha256.Sum256([]byte(text)); return hex.EncodeToString(s[:]) }
	p, served := signedPlace(t)
	p.manifest.Source.Verify = blocklists.Verify{SHA256: ".sha256"}
	served["/ads.txt"], served["/ads.txt.sha256"] = "one", strings.ToUpper(sum("one"))+"\n"
	p.want(fetch.OK, "one")
	served["/ads.txt.sha256"] = sum("two") + "  ads.txt\n"
	p.fails("sha256: the octets have")
	p.manifest.Source.Verify.SHA256 = p.server.URL + "/SHA256SUMS"
	served["/SHA256SUMS"] = sum("x") + "  other.txt\n" + sum("one") + " *./ads.txt\n"
	p.want(fetch.OK, "one")
	served["/SHA256SUMS"] = sum("x") + "  other.txt\n" + sum("one") + "  third.txt\n"
	p.fails(`no sum for "ads.txt"`)
}

func TestOpenPGP(t *testing.T) {
	began := time.Now().Add(-time.Hour)
	at := func(after time.Duration) *packet.Config {
		return &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return began.Add(after) }}
	}
	good, err := openpgp.NewEntity("lists", "", "lists@example.net", at(0))
	if err != nil {
		t.Fatal(err)
	}
	other, err := openpgp.NewEntity("other", "", "other@example.net", at(0))
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "keys.gpg")
	var public bytes.Buffer
	if err := good.Serialize(&public); err != nil { //nolint:misspell // the library's spelling
		t.Fatal(err)
	}
	if err := os.WriteFile(keys, public.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	sign := func(by *openpgp.Entity, text string, after time.Duration, armoured bool) string {
		var signature bytes.Buffer
		detach := openpgp.DetachSign
		if armoured {
			detach = openpgp.ArmoredDetachSign
		}
		if err := detach(&signature, by, strings.NewReader(text), at(after)); err != nil {
			t.Fatal(err)
		}
		return signature.String()
	}
	p, served := signedPlace(t)
	p.manifest.Source.Verify = blocklists.Verify{OpenPGP: keys}
	served["/ads.txt"], served["/ads.txt.asc"] = "one", sign(good, "one", 2*time.Minute, true)
	p.want(fetch.OK, "one")
	served["/ads.txt"], served["/ads.txt.asc"] = "two", sign(other, "two", 3*time.Minute, true)
	p.fails("does not fit")
	served["/ads.txt.asc"] = sign(good, "two", time.Minute, false)
	p.fails("older than")
	served["/ads.txt.asc"] = sign(good, "two", 3*time.Minute, false)
	p.want(fetch.OK, "two")
}

func TestFilesAreVerifiedToo(t *testing.T) {
	good := newSigner(t, 1)
	p := newPlace(t)
	p.manifest.Source.Verify = blocklists.Verify{Minisign: good.public}
	p.source("one")
	p.want(fetch.Missing, "")
	if err := os.WriteFile(p.manifest.Source.File+".minisig", []byte(good.sign("one", 1, true)), 0o600); err != nil {
		t.Fatal(err)
	}
	p.want(fetch.OK, "one")
	p.source("two")
	p.want(fetch.Kept, "one")
}
