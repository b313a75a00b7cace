// Package dot is DNS over TLS (RFC 7858).
package dot
