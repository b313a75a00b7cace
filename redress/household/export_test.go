package household

import "context"

// Sweep erases what is over, as Run does every hour.
func (o *Office) Sweep(ctx context.Context) error { return o.sweep(ctx) }
