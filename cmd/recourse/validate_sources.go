package main

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/rpz"
)

// checkSource looks behind the keys of a source: at files of keys and secrets, and at
// what would let a stranger write the list.
func (c *Config) checkSource(path string, manifest *blocklists.Manifest) {
	source := &manifest.Source
	opened := c.opened(manifest)
	if key, err := fetch.CheckVerify(&opened.Source.Verify); err != nil && c.Sound(path) {
		c.report.problem(child(path, "verify."+key), "%s", err)
	}
	if strings.HasPrefix(source.URL, "http://") && source.Verify.Minisign == "" && source.Verify.OpenPGP == "" && c.Sound(path) {
		c.report.warn(child(path, "url"), "is plain http without a signature: whoever is on the way can write list %q; use https, or verify", manifest.ID)
	}
	c.checkTSIG(child(path, "tsig"), source.TSIG)
	c.checkFile(child(path, "tls.ca"), source.TLS.CA)
	for i, pin := range source.TLS.Pins {
		if octets, err := base64.StdEncoding.DecodeString(pin); err != nil || len(octets) != sha256.Size {
			c.report.problem(item(child(path, "tls.pins"), i), "%s is not a SHA-256 in base64, 44 characters", quote(pin))
		}
	}
	c.checkUnsigned(path, manifest)
}

// checkUnsigned warns where a zone comes in clear text from whoever answers.
func (c *Config) checkUnsigned(path string, manifest *blocklists.Manifest) {
	source := &manifest.Source
	if !source.IsZone() || source.TSIG.Name != "" || !c.Sound(path) {
		return
	}
	for i, text := range source.Primary {
		if primary, err := blocklists.ParsePrimary(text); err == nil && !primary.TLS && !primary.Addr.Addr().IsLoopback() {
			c.report.warn(item(child(path, "primary"), i), "is asked without tsig or tls://: whoever is on the way can write list %q", manifest.ID)
			return
		}
	}
}

// checkTSIG looks at the secret of a key that is given.
func (c *Config) checkTSIG(path string, key blocklists.TSIG) {
	if key.SecretFile == "" || !c.Sound(path) {
		return
	}
	if _, err := c.ReadSecret(key.SecretFile); err != nil {
		c.report.problem(child(path, "secret_file"), "%s: %s", quote(key.SecretFile), err)
	}
}

// ReadSecret reads the secret of a TSIG key: base64 in a file, without white space around it.
func (c *Config) ReadSecret(path string) (string, error) {
	file, err := openFile(c.File(path))
	if err != nil {
		return "", errors.New("cannot be read: " + reason(err))
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	return rpz.ReadSecret(file)
}
