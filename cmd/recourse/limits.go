package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/cookie"
	"github.com/recourse-dns/recourse/transports/rate"
)

// limits is what the gate before all doors goes by.
func (n *node) limits() (transports.Limits, error) {
	var err error
	if n.cookies, err = n.startCookies(); err != nil {
		return transports.Limits{}, err
	}
	listen := &n.config.Listen
	return transports.Limits{
		Waiting:              int(listen.Limits.Waiting),
		Connections:          connectionsOf(listen.Limits.Connections),
		ConnectionsPerClient: int(listen.Limits.ConnectionsPerClient),
		Clients:              n.importer.current,
		Queries:              rate.Limit{PerSecond: listen.RateLimit.PerClient, Burst: listen.RateLimit.Burst},
		Replies:              rate.Limit{PerSecond: listen.ResponseRateLimit.PerNetwork, Burst: listen.ResponseRateLimit.Burst},
		Slip:                 listen.Slip,
		Cookies:              n.cookies,
	}, nil
}

// connectionsOf is how many there may be: what the operator says or else the default,
// and no more than three quarters of what the system gives in descriptors, of which lists,
// upstreams and pages need some too.
func connectionsOf(wanted uint32) int {
	most := int(wanted)
	if most == 0 {
		most = transports.DefaultConnections
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return most
	}
	return int(min(uint64(most), max(files.Cur/4*3, 1)))
}

// startCookies reads the fleet's secrets, or this server's own: it outlives a restart, so
// that clients keep their cookies, and is made where there is none.
func (n *node) startCookies() (*cookie.Keys, error) {
	secrets, err := n.cookieSecrets(n.config)
	if err != nil {
		return nil, fmt.Errorf("secret of cookies: %w", err)
	}
	return cookie.NewKeys(secrets), nil
}

func (n *node) cookieSecrets(config *Config) ([]cookie.Secret, error) {
	if config.Listen.CookieSecretFile != "" {
		return config.ReadCookieSecrets()
	}
	path := filepath.Join(config.StateDir(), cookieFile)
	secrets, err := readCookieSecrets(path)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			err = fmt.Errorf("%q: %w; remove it to have a new one made", path, err)
		}
		return secrets, err
	}
	secret := cookie.NewSecret()
	return []cookie.Secret{secret}, writeSecret(path, append(hex.AppendEncode(nil, secret[:]), '\n'))
}

// reloadCookies puts the secrets of a new configuration in force, or keeps the old ones.
func (n *node) reloadCookies(config *Config) {
	secrets, err := n.cookieSecrets(config)
	if err != nil {
		n.logger.Error("the secrets of cookies were not read again; the old ones stay", "error", err)
		return
	}
	n.cookies.Swap(secrets)
}
