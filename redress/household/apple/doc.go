// Package apple writes configuration profiles (.mobileconfig) that have an iPhone, iPad or Mac ask this
// resolver through an encrypted door, under the device's own name.
//
// # Decisions
//
// The profile is not signed: a signature shows who made it, and a home has nobody whom the device would
// believe. The device says "unsigned", which the page tells beforehand.
//
// Its UUIDs are made of the device's and this resolver's names, so that a profile that is loaded again takes the
// place of the one before. Nothing in it forbids to take it away: whose device it is may always do that.
package apple
