package redress

// Flaw is what is wrong with a proof of control, as a word that catalogues have a
// sentence for and programs can switch over.
type Flaw string

// The flaws.
const (
	FlawLate       Flaw = "late"       // the challenge has ended
	FlawAbsent     Flaw = "absent"     // nothing is there
	FlawPartly     Flaw = "partly"     // not at all authoritative servers yet
	FlawDoubled    Flaw = "doubled"    // at a name with the zone in it twice
	FlawMisplaced  Flaw = "misplaced"  // at the name itself, or without the underscore
	FlawDecorated  Flaw = "decorated"  // with quotation marks, spaces or capitals
	FlawBeginning  Flaw = "beginning"  // without redress=
	FlawCut        Flaw = "cut"        // the value is not whole
	FlawEarlier    Flaw = "earlier"    // a value of ours, but not this one
	FlawOther      Flaw = "other"      // something else is there
	FlawWildcard   Flaw = "wildcard"   // a wildcard gives it for every name
	FlawUnruled    Flaw = "unruled"    // whether one does could not be found out
	FlawBogus      Flaw = "bogus"      // not signed rightly
	FlawNoAnswer   Flaw = "no_answer"  // name servers do not answer
	FlawTooLong    Flaw = "too_long"   // no record's name fits below the name
	FlawNotPublic  Flaw = "not_public" // the site has no public address
	FlawUnresolved Flaw = "unresolved" // the site has no address
	FlawNoSite     Flaw = "no_site"    // no connection to the site
	FlawSlow       Flaw = "slow"
	FlawTooLarge   Flaw = "too_large"
	FlawElsewhere  Flaw = "elsewhere" // it leads to another host
	FlawEncoded    Flaw = "encoded"   // it is compressed
	FlawStatus     Flaw = "status"    // it answers with an error; Found is its number
	FlawSent       Flaw = "sent"      // no flaw yet: the code is on its way
	FlawNoMailbox  Flaw = "no_mailbox"
	FlawManyCodes  Flaw = "many_codes" // no further code is sent now
	FlawWrongCode  Flaw = "wrong_code"
	FlawReceived   Flaw = "received" // no flaw yet: a person looks at it
	FlawNoDocument Flaw = "no_document"
	FlawUnoffered  Flaw = "unoffered" // this method is not offered here
)

// Flaws are all of them.
func Flaws() []Flaw {
	return []Flaw{
		FlawLate, FlawAbsent, FlawPartly, FlawDoubled, FlawMisplaced, FlawDecorated,
		FlawBeginning, FlawCut, FlawEarlier, FlawOther, FlawWildcard, FlawUnruled,
		FlawBogus, FlawNoAnswer, FlawTooLong, FlawNotPublic, FlawUnresolved, FlawNoSite,
		FlawSlow, FlawTooLarge, FlawElsewhere, FlawEncoded, FlawStatus, FlawSent,
		FlawNoMailbox, FlawManyCodes, FlawWrongCode, FlawReceived, FlawNoDocument, FlawUnoffered,
	}
}
