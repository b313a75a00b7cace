package blocklists

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limit is how much may change at once: a share of the entries that there were, or a
// number of entries. The zero value is no limit.
type Limit struct {
	Percent float64
	Entries int
}

// UnmarshalText reads 20% or 5000.
func (l *Limit) UnmarshalText(text []byte) error {
	digits, share := strings.CutSuffix(string(text), "%")
	value, err := strconv.ParseFloat(digits, 64)
	switch {
	case err != nil || !(value > 0) || value > 1e9 || !share && value != float64(int(value)):
		return fmt.Errorf("%.40q is no limit: a share as 20%%, or a number of entries as 5000", text)
	case share:
		*l = Limit{Percent: value}
	default:
		*l = Limit{Entries: int(value)}
	}
	return nil
}

// MarshalJSON writes the limit as an object: its text has no form for none.
func (l Limit) MarshalJSON() ([]byte, error) { return json.Marshal(plainLimit(l)) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *Limit) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, (*plainLimit)(l)) }

type plainLimit Limit

func (l Limit) String() string {
	if l.Percent > 0 {
		return strconv.FormatFloat(l.Percent, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(l.Entries)
}

// IsZero says that there is no limit.
func (l Limit) IsZero() bool { return l == Limit{} }

// leastChange is how many entries may change in any case where the limit is a share: of
// a list with four names one is a quarter.
const leastChange = 10

// Exceeded says whether so many changed entries of so many are beyond the limit.
func (l Limit) Exceeded(changed, of int) bool {
	switch {
	case l.Percent > 0:
		return changed > leastChange && float64(changed)*100 > l.Percent*float64(of)
	case l.Entries > 0:
		return changed > l.Entries
	}
	return false
}

// Limits bound how much of a list may change at one import.
type Limits struct {
	Growth Limit `yaml:"growth"` // what is added beyond it is held
	Shrink Limit `yaml:"shrink"` // beyond it the list stays as it was, for a while or until a person says so
	// Entries is how many entries a list may have at all; what is beyond is not read.
	Entries int `yaml:"entries"`
}

// Or fills what is not said from others.
func (l Limits) Or(others Limits) Limits {
	if l.Growth.IsZero() {
		l.Growth = others.Growth
	}
	if l.Shrink.IsZero() {
		l.Shrink = others.Shrink
	}
	if l.Entries == 0 {
		l.Entries = others.Entries
	}
	return l
}

// DefaultLimits hold where neither the list nor the configuration says anything.
func DefaultLimits() Limits {
	return Limits{Growth: Limit{Percent: 100}, Shrink: Limit{Percent: 50}}
}

// Share is a share of the clients, in ten thousandths.
type Share uint16

// WholeShare is all clients.
const WholeShare Share = 10_000

// UnmarshalText reads 10% or 0.5%.
func (s *Share) UnmarshalText(text []byte) error {
	digits, found := strings.CutSuffix(string(text), "%")
	value, err := strconv.ParseFloat(digits, 64)
	if !found || err != nil || !(value > 0) || value > 100 {
		return fmt.Errorf("%.40q is no share of the clients: above 0%% and up to 100%%, as 10%%", text)
	}
	*s = Share(value * 100)
	if *s == 0 {
		return errors.New("a share of the clients is at least 0.01%")
	}
	return nil
}

// MarshalJSON writes the ten thousandths.
func (s Share) MarshalJSON() ([]byte, error) { return json.Marshal(uint16(s)) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Share) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, (*uint16)(s)) }

func (s Share) String() string { return strconv.FormatFloat(float64(s)/100, 'f', -1, 64) + "%" }

// Stage is how new entries of a list come into force: for a share of the clients at
// first. The zero value is for all at once.
type Stage struct {
	Share Share         `yaml:"share"`
	For   time.Duration `yaml:"for"`
	// HaltAbove is how many blocks a minute, reckoned up to all clients, staged entries
	// may make before they are halted; 0 for [DefaultHaltAbove].
	HaltAbove int `yaml:"halt_above"`
}

// DefaultHaltAbove is the number of blocks a minute that halts a stage.
const DefaultHaltAbove = 600

// Over says whether an entry that was first seen at a time has been staged long enough.
func (s *Stage) Over(firstSeen uint32, at time.Time) bool {
	return at.Unix() >= int64(firstSeen)+int64(s.For/time.Second)
}

// Removal is how a list takes an entry away.
type Removal string

// The ways: the entry is no longer there; it is there with a date of removal; a line
// says that it is removed.
const (
	ByAbsence   Removal = "absence"
	ByDate      Removal = "dated"
	ByTombstone Removal = "tombstone"
)

// Removes says how the list takes entries away; by absence where it says nothing.
func (m *Manifest) Removes() Removal {
	if m.Removal == "" {
		return ByAbsence
	}
	return m.Removal
}

// checkIntake looks at how the list is taken in.
func (m *Manifest) checkIntake(found *problems) {
	staged := m.Stage != Stage{}
	switch {
	case staged && m.Stage.Share == 0:
		found.add("stage.share", "is missing: for which share of the clients, as 10%%")
	case staged && m.Stage.For <= 0:
		found.add("stage.for", "is missing: for how long, as 1h")
	case staged && m.Purpose == Law:
		found.add("stage", "is not for law: an order holds for everybody in its jurisdiction alike; use shadow to try it")
	case staged && m.Shadow:
		found.add("stage", "and shadow exclude each other")
	}
	if m.Stage.HaltAbove < 0 {
		found.add("stage.halt_above", "must not be below 0")
	}
	if m.Removal != "" && m.Removal != ByAbsence && m.Removal != ByDate && m.Removal != ByTombstone {
		found.add("removal", "must be absence, dated or tombstone, not %q", m.Removal)
	}
	if m.Limits.Entries < 0 {
		found.add("limits.entries", "must not be below 0")
	}
}
