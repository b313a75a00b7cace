package redress

// Actor is who does something at the desk.
type Actor struct {
	Name string
	Role ActorRole
	// Cleared: the actor may see what cases about secret lists are about, and decide them.
	Cleared bool
}

// ActorRole is what an actor may do.
type ActorRole string

// The roles of actors.
const (
	Party    ActorRole = "party"
	Reviewer ActorRole = "reviewer"
	// SecondReviewer decides like a reviewer, and beside an operator is the one who decides appeals.
	SecondReviewer ActorRole = "second_reviewer"
	Operator       ActorRole = "operator"
	// Auditor reads everything but contacts, and changes nothing.
	Auditor   ActorRole = "auditor"
	Authority ActorRole = "authority"
	// Household changes profiles of its own; Provisioning is a provider's program that does
	// so for its subscribers.
	Household    ActorRole = "household"
	Provisioning ActorRole = "provisioning"
	System       ActorRole = "system"
	// Node is a resolver node that follows this desk.
	Node ActorRole = "node"
)

// StaffRoles are the roles of people who sign in at the console.
func StaffRoles() []ActorRole {
	return []ActorRole{Reviewer, SecondReviewer, Operator, Auditor, Authority}
}

// May says whether the actor may read and decide cases.
func (a Actor) May() bool {
	return a.Role == Reviewer || a.Role == SecondReviewer || a.Role == Operator
}

// MayRead says whether the actor may read cases.
func (a Actor) MayRead() bool { return a.May() || a.Role == Auditor }

// MayReview says whether the actor may decide an appeal, or read a decision again.
func (a Actor) MayReview() bool { return a.Role == SecondReviewer || a.Role == Operator }
