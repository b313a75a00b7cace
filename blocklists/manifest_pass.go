package blocklists

import "time"

// longestPass is how long a person may go past a block of a list at most.
const longestPass = time.Hour

// checkPass holds passes to what the operator may lift for a while by itself.
func (m *Manifest) checkPass(found *problems) {
	switch {
	case m.Pass == 0:
	case m.Purpose != Security:
		found.add("pass", "is for lists of purpose security alone: an order is not ours to lift, and what a household chose it changes itself")
	case m.Disclosure == Secret:
		found.add("pass", "cannot be of a list with disclosure secret: a pass is for one entry, and such a list shows none")
	case m.Pass < time.Minute || m.Pass > longestPass:
		found.add("pass", "must be from one minute to one hour, not %s", m.Pass)
	}
}
