// Package transportstest is what the tests of all doors have in common: a world to answer from,
// somebody who counts, and a certificate.
package transportstest
