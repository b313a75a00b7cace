// Package storetest is what every store of cases must do, as tests that each
// implementation runs with a function that opens it.
package storetest
