package fetch

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor" //nolint:misspell // the library's spelling
	"github.com/jedisct1/go-minisign"
	"golang.org/x/crypto/blake2b"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/blocklists/turns"
)

// maxSmall bounds signatures, sums and keys.
const maxSmall = 1 << 20

// maxWhole bounds the lists that are signed in minisign's old way, which needs all
// octets at once.
const maxWhole = 256 << 20

// companion brings what lies beside a list: a signature or a sum, named in full or by
// what to add to the list's own name.
type companion func(ctx context.Context, named string) ([]byte, error)

func readSmall(from io.Reader) ([]byte, error) {
	octets, err := io.ReadAll(io.LimitReader(from, maxSmall+1))
	if len(octets) > maxSmall {
		return nil, fmt.Errorf("more than %d octets", maxSmall)
	}
	return octets, err
}

// CheckVerify says what of a manifest's keys cannot be used, and under which key.
func CheckVerify(v *blocklists.Verify) (key string, err error) {
	if v.Minisign != "" {
		if _, err := minisignKey(v.Minisign); err != nil {
			return "minisign", err
		}
	}
	if v.OpenPGP != "" {
		if _, err := keyring(v.OpenPGP); err != nil {
			return "openpgp", err
		}
	}
	return "", nil
}

// verify holds the octets to all that the manifest asks for. The time is when they
// were signed, zero where no signature says it.
func verify(ctx context.Context, m *blocklists.Manifest, octets *os.File, beside companion) (time.Time, error) {
	want := &m.Source.Verify
	var signedAt time.Time
	for _, proof := range []struct {
		wanted bool
		check  func() (time.Time, error)
	}{
		{want.SHA256 != "", func() (time.Time, error) { return time.Time{}, verifySum(ctx, m, octets, beside) }},
		{want.Minisign != "", func() (time.Time, error) { return verifyMinisign(ctx, want, octets, beside) }},
		{want.OpenPGP != "", func() (time.Time, error) { return verifyOpenPGP(ctx, want, octets, beside) }},
	} {
		if !proof.wanted {
			continue
		}
		if _, err := octets.Seek(0, io.SeekStart); err != nil {
			return time.Time{}, err
		}
		at, err := proof.check()
		if err != nil {
			return time.Time{}, err
		}
		if signedAt.IsZero() || !at.IsZero() && at.Before(signedAt) {
			signedAt = at
		}
	}
	return signedAt, nil
}

// named is how a signature is called where the manifest does not say.
func named(said, otherwise string) string {
	if said != "" {
		return said
	}
	return otherwise
}

func verifySum(ctx context.Context, m *blocklists.Manifest, octets *os.File, beside companion) error {
	text, err := beside(ctx, m.Source.Verify.SHA256)
	if err != nil {
		return fmt.Errorf("sha256: %w", err)
	}
	source := m.Source.File
	if m.Source.URL != "" {
		source = blocklists.ShownURL(m.Source.URL)
	}
	wanted, err := sumIn(text, path.Base(source))
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, &guarded{ctx, octets, parse.MaxBytes, new(turns.Work)}); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != wanted {
		return fmt.Errorf("sha256: the octets have %s, and the sum beside them says %s", got, wanted)
	}
	return nil
}

var sumForm = regexp.MustCompile(`^([0-9a-fA-F]{64})(?:[ \t]+\*?(\S+))?$`)

// sumIn finds the list's sum in what sha256sum writes: the line with its name, or the
// only line.
func sumIn(text []byte, name string) (string, error) {
	only, lines := "", 0
	scanner := bufio.NewScanner(bytes.NewReader(text))
	for scanner.Scan() {
		parts := sumForm.FindStringSubmatch(strings.TrimSpace(scanner.Text()))
		if parts == nil {
			continue
		}
		if parts[2] != "" && path.Base(parts[2]) == name {
			return strings.ToLower(parts[1]), nil
		}
		only = strings.ToLower(parts[1])
		lines++
	}
	if lines != 1 {
		return "", fmt.Errorf("sha256: there is no sum for %q among the %d that lie beside the list", name, lines)
	}
	return only, nil
}

// IsMinisignKey tells a public key from the name of a file that holds one.
func IsMinisignKey(text string) bool {
	_, err := minisign.NewPublicKey(text)
	return err == nil
}

// minisignKey reads a public key, or the file that holds one.
func minisignKey(text string) (minisign.PublicKey, error) {
	if key, err := minisign.NewPublicKey(text); err == nil {
		return key, nil
	}
	file, err := os.Open(text)
	if err != nil {
		return minisign.PublicKey{}, fmt.Errorf("is neither a public key of minisign nor a file with one: %w", err)
	}
	defer file.Close()
	octets, err := readSmall(file)
	if err != nil {
		return minisign.PublicKey{}, err
	}
	lines := strings.Split(strings.TrimSpace(string(octets)), "\n")
	key, err := minisign.NewPublicKey(strings.TrimSpace(lines[len(lines)-1]))
	if err != nil {
		return minisign.PublicKey{}, fmt.Errorf("%q holds no public key of minisign", text)
	}
	return key, nil
}

func verifyMinisign(ctx context.Context, want *blocklists.Verify, octets *os.File, beside companion) (time.Time, error) {
	key, err := minisignKey(want.Minisign)
	if err != nil {
		return time.Time{}, fmt.Errorf("minisign: %w", err)
	}
	text, err := beside(ctx, named(want.Signature, ".minisig"))
	if err != nil {
		return time.Time{}, fmt.Errorf("minisign: %w", err)
	}
	signature, err := minisign.DecodeSignature(strings.TrimRight(string(text), "\r\n"))
	if err != nil {
		return time.Time{}, fmt.Errorf("minisign: the signature cannot be read: %w", err)
	}
	signed, err := signedOctets(ctx, &signature, octets)
	if err != nil {
		return time.Time{}, fmt.Errorf("minisign: %w", err)
	}
	if good, err := key.Verify(signed, signature); err != nil || !good {
		return time.Time{}, fmt.Errorf("minisign: the signature does not fit list and key: %w", err)
	}
	return trustedTime(signature.TrustedComment), nil
}

// prehashed and direct are minisign's two ways: over the hash of the octets, over themselves.
var (
	prehashed = [2]byte{'E', 'D'}
	direct    = [2]byte{'E', 'd'}
)

// signedOctets gives what the signature is over. A prehashed one is over a hash that is
// taken while reading, and marked as direct over that: a list need not fit into memory.
func signedOctets(ctx context.Context, signature *minisign.Signature, octets *os.File) ([]byte, error) {
	from := &guarded{ctx, octets, parse.MaxBytes, new(turns.Work)}
	if signature.SignatureAlgorithm != prehashed {
		all, err := io.ReadAll(io.LimitReader(from, maxWhole+1))
		if len(all) > maxWhole {
			return nil, fmt.Errorf("a list of more than %d octets has to be signed prehashed, with minisign -H", maxWhole)
		}
		return all, err
	}
	sum, err := blake2b.New512(nil)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(sum, from); err != nil {
		return nil, err
	}
	signature.SignatureAlgorithm = direct
	return sum.Sum(nil), nil
}

var trustedForm = regexp.MustCompile(`\btimestamp:([0-9]{1,12})\b`)

// trustedTime reads the time that minisign puts into the comment that it signs.
func trustedTime(comment string) time.Time {
	parts := trustedForm.FindStringSubmatch(comment)
	if parts == nil {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func keyring(path string) (openpgp.EntityList, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	octets, err := readSmall(file)
	if err != nil {
		return nil, err
	}
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(octets))
	if err != nil {
		keys, err = openpgp.ReadKeyRing(bytes.NewReader(octets))
	}
	if err != nil || len(keys) == 0 {
		return nil, fmt.Errorf("%q holds no public key of OpenPGP", path)
	}
	return keys, nil
}

func verifyOpenPGP(ctx context.Context, want *blocklists.Verify, octets *os.File, beside companion) (time.Time, error) {
	keys, err := keyring(want.OpenPGP)
	if err != nil {
		return time.Time{}, fmt.Errorf("openpgp: %w", err)
	}
	text, err := beside(ctx, named(want.Signature, ".asc"))
	if err != nil {
		return time.Time{}, fmt.Errorf("openpgp: %w", err)
	}
	from := &guarded{ctx, octets, parse.MaxBytes, new(turns.Work)}
	signature, err := dearmoured(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("openpgp: the signature cannot be read: %w", err)
	}
	found, _, err := openpgp.VerifyDetachedSignature(keys, from, signature, nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("openpgp: the signature does not fit list and keys: %w", err)
	}
	return found.CreationTime.UTC(), nil
}

// dearmoured takes the text form off a signature that has one.
func dearmoured(text []byte) (io.Reader, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
		return bytes.NewReader(text), nil
	}
	block, err := armor.Decode(bytes.NewReader(text)) //nolint:misspell // the library's spelling
	if err != nil {
		return nil, err
	}
	return block.Body, nil
}

var errRollback = errors.New("the signature is older than that of the copy that is held: an old list is given out as a new one")

// checkAge refuses octets that were signed before those that were accepted last.
func checkAge(known *Version, signedAt time.Time) error {
	if known == nil || known.SignedAt.IsZero() {
		return nil
	}
	if signedAt.IsZero() {
		return fmt.Errorf("%w (it bears no time at all)", errRollback)
	}
	if signedAt.Before(known.SignedAt) {
		return fmt.Errorf("%w (%s before %s)", errRollback, signedAt.Format(time.RFC3339), known.SignedAt.Format(time.RFC3339))
	}
	return nil
}
