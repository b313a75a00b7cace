package bindings

import (
	"fmt"

	"github.com/recourse-dns/recourse/policy/journal"
)

// remembered bounds the changes that are kept for whoever follows.
const remembered = 1 << 16

// Changes are remembered from the first call on, for whoever follows the register. Those that were refused
// are not among them.
func (r *Register) Changes() *journal.Journal[Change] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes == nil {
		r.changes = journal.New[Change](remembered)
	}
	return r.changes
}

// tell takes down what was put in force. The caller holds mu.
func (r *Register) tell(changes []Change, refused map[int]error) {
	if r.changes == nil {
		return
	}
	if len(refused) == 0 {
		r.changes.Add(changes...)
		return
	}
	for i := range changes {
		if refused[i] == nil {
			r.changes.Add(changes[i])
		}
	}
}

// Replace puts all that another table has in the place of what there is, at once. The other
// table is nobody's afterwards.
func (r *Register) Replace(by *Table) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.become(by)
	if err := r.rewrite(); err != nil {
		return fmt.Errorf("bindings: they are in force, but not on disk: %w", err)
	}
	return nil
}

func (t *Table) become(other *Table) {
	t.changes.Lock()
	defer t.changes.Unlock()
	t.profiles, t.jurisdictions = other.profiles, other.jurisdictions
	t.state.Store(other.state.Load())
}
