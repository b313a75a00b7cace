package report

import "strings"

// record is one kind of data that is processed. What only the assessment says of it is in English.
type record struct {
	what  string
	whose string // for the assessment
	where string
	term  string
	why   string
	basis string // in law, for the assessment
	guard string // what keeps it from doing harm, for the assessment
}

// Grounds of Regulation (EU) 2016/679, Article 6(1).
const (
	service    = "Article 6(1)(b): to give the service that was asked for"
	obligation = "Article 6(1)(c): an obligation in law"
	consent    = "Article 6(1)(a) or (b): the household asked for it, and ends it in one step"
	interest   = "Article 6(1)(f): to keep the service safe and its decisions open to review"
)

// records are all kinds of data that this deployment processes.
func (t told) records() []record {
	all := []record{
		{
			what: t.Say("kept.question"), whose: "who asks", where: t.Say("where.memory"),
			term: t.Say("long.question"), why: t.Say("why.question"), basis: service, guard: "never written to a disk or a log",
		},
		t.cacheRecord(),
		{
			what: t.Say("kept.counts"), whose: "nobody: numbers by list, never by name or client", where: t.Say("where.memory"),
			term: t.Say("long.counts"), why: t.Say("why.counts"), basis: "no personal data", guard: "no label that a client can choose",
		},
	}
	if t.Keeps.ClientRate {
		all = append(all, record{
			what: t.Say("kept.rate"), whose: "who asks", where: t.Say("where.memory"), term: t.Say("long.rate"),
			why: t.Say("why.rate"), basis: interest, guard: "never written down; connections that prove an address are not punished for others",
		})
	}
	all = append(all, t.profileRecords()...)
	return append(all, t.deskRecords()...)
}

func (t told) cacheRecord() record {
	made := record{
		what: t.Say("kept.cache"), whose: "nobody in particular; a rare name may hint at somebody", where: t.Say("where.memory"),
		term: t.Say("long.cache"), why: t.Say("why.cache"), basis: service, guard: "no client stands beside a name",
	}
	if t.Keeps.Stale > 0 {
		made.term = strings.Join([]string{made.term, t.Say("long.stale", "length", t.span(t.Keeps.Stale))}, "; ")
	}
	if t.Keeps.CacheOnDisk {
		made.where = t.Say("where.cache")
	}
	return made
}

func (t told) profileRecords() []record {
	var all []record
	if t.Profiles > 0 {
		all = append(all, record{
			what: t.Say("kept.profile"), whose: "households that asked", where: t.Say("where.profile"),
			term: t.Say("long.profile"), why: t.Say("why.profile"), basis: consent, guard: "stands in no answer and in no list that leaves this machine",
		})
	}
	if t.Keeps.Bindings {
		all = append(all, record{
			what: t.Say("kept.binding"), whose: "subscribers", where: t.Say("where.binding"), term: t.Say("long.binding"),
			why: t.Say("why.binding"), basis: consent, guard: "in no bundle and no backup; ended when the line is given to somebody else",
		})
	}
	if t.Keeps.Devices {
		all = append(all, record{
			what: t.Say("kept.device"), whose: "people of the household", where: t.Say("where.device"),
			term: t.Say("long.device"), why: t.Say("why.device"), basis: consent, guard: "never written down, never sent on",
		})
	}
	if t.passes() {
		all = append(all, record{
			what: t.Say("kept.pass"), whose: "who asked for it", where: t.Say("where.pass"), term: t.Say("long.pass"),
			why: t.Say("why.pass"), basis: service, guard: "neither address nor name can be read from it; a restart forgets it",
		})
	}
	return all
}

func (t told) deskRecords() []record {
	all := []record{
		{
			what: t.Say("kept.visit"), whose: "visitors", where: t.Say("where.visit"), term: t.Say("long.visit"),
			why: t.Say("why.visit"), basis: interest, guard: "no log of pages, names or addresses; nothing on our pages is fetched from others",
		},
		{
			what: t.Say("kept.case"), whose: "who contests", where: t.Say("where.database"),
			term: t.Say("long.case", "length", t.span(t.Keeps.Contacts)), why: t.Say("why.case"), basis: interest,
			guard: "texts are apart from the log of events, which holds only their salted hash; contact is optional",
		},
		{
			what: t.Say("kept.decision"), whose: "staff and authorities, in their office", where: t.Say("where.log"), term: t.Say("long.decision"),
			why: t.Say("why.decision"), basis: obligation, guard: "each entry commits to the one before it; no client in it",
		},
	}
	if t.Keeps.Mail || t.Keeps.OnCall {
		all = append(all, record{
			what: t.Say("kept.message"), whose: "their recipients", where: t.Say("where.database"), term: t.Say("long.message"),
			why: t.Say("why.message"), basis: obligation, guard: "erased with the delivery; in no log",
		})
	}
	return all
}
