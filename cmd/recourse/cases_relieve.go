package main

import "context"

// RelieveOptions are the flags of cases relieve.
type RelieveOptions struct{ caseCommand }

// Help shows the command at work.
func (RelieveOptions) Help() string {
	return example("Where control of the name is proved, everything that is seen is clean and no second feed has the name, it is unblocked until somebody decides. What was seen stands in the case.",
		`recourse cases relieve ID`)
}

// Run is called by the command line.
func (o *RelieveOptions) Run(ctx context.Context, env *environment) error {
	return o.post(ctx, env, "interim", map[string]any{})
}
