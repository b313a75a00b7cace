package redress

// leaveMerits makes cases of which only the implementation is asked: their merits are as after a withdrawal. A case of which the party
// must not learn what it is about stays as it is, so that it looks like all others.
func leaveMerits(cases []*Case) {
	for _, one := range cases {
		if !one.Unconfirmed() {
			one.Merits = Track{State: Withdrawn}
		}
	}
}
