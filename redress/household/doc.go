// Package household is what a home does with its profiles: it reads and changes them, leaves
// them, pauses them, grants a little more time, and decides what a device asks to be allowed.
//
// The [Office] knows what may be asked and how much; the [Book] that it writes to, which cmd
// brings, holds what every profile says now, and puts a change in force before it says that it
// is done.
//
// # Decisions
//
// A profile of the configuration is its first form. From its first change over the API on what
// was changed holds, over restarts and reloads: who left must not be filtered again because
// somebody started the machine. The configuration's form comes back when somebody writes it.
//
// Whoever may change a profile may leave it, in one step and without a reason. That nothing is
// filtered any more is a change like any, with who and when; of what was filtered nothing stays.
//
// A request to allow a name is told to nobody but the household: it is in no log, decided it
// is nowhere, and undecided it is erased after 14 days. Who asks is known by the profile of the address, by the
// device's own token, or by what a page has recognised ([Visitor]), so that a request cannot name another home's profile.
// It is of the profile and not of the device: nobody is told which of two children asked.
//
// A name that is allowed for a while has its end beside it in the profile, as pauses have, so that a restart neither
// lengthens nor forgets it, and no answer outlasts it. Refused: a timer that takes the name out again, which is
// nothing after the power went.
//
// Extra time counts from bedtime and not from when it is granted: half an hour more is half an
// hour more, also where it is granted early.
package household
