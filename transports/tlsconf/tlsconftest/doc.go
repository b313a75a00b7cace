// Package tlsconftest makes certificates for tests.
package tlsconftest
