package redress

import "time"

// PersonalUntil is when the personal texts of a case are erased that are kept for a time after
// nothing can be done with them any more: after the time for an appeal, or after the case has
// ended where there is none. It is zero while the case goes on.
func (c *Case) PersonalUntil(keep time.Duration) time.Time {
	if c.Implementation.Unfinished() || c.Merits.Unfinished() {
		return time.Time{}
	}
	until := c.AppealUntil()
	if until.IsZero() && c.waitsForAnother() { // at the longest, as what never comes keeps nothing
		return c.Events[len(c.Events)-1].At.AddDate(1, 0, 0)
	}
	if until.IsZero() && len(c.Events) > 0 {
		until = c.Events[len(c.Events)-1].At
	}
	if until.IsZero() {
		until = c.Filing.At
	}
	return until.Add(keep)
}
