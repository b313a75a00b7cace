// Package accountstest signs people in for tests of pages.
package accountstest
