// Package workdays knows the public holidays of the countries in which operators work, so that a
// promise in working days is one.
//
// # Decisions
//
// Holidays of a whole country count, and those of a part of it do not: an operator is in one place,
// its readers in others, and a promise is rather kept early than late. A country that is not
// known has Monday to Friday.
package workdays
