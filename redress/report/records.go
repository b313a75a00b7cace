package report

// record is one kind of data that is processed.
type record struct {
	what  string
	whose string
	where string
	term  string
	why   string
	basis string // in law, for the assessment
	guard string // what keeps it from doing harm
}

// Grounds of Regulation (EU) 2016/679, Article 6(1).
const (
	service    = "Article 6(1)(b): to give the service that was asked for"
	obligation = "Article 6(1)(c): an obligation in law"
	consent    = "Article 6(1)(a) or (b): the household asked for it, and ends it in one step"
	interest   = "Article 6(1)(f): to keep the service safe and its decisions open to review"
)

// records are all kinds of data that this deployment processes.
func records(d *Deployment) []record {
	all := []record{
		{
			what: "Your question and your address, while we answer", whose: "who asks", where: "memory",
			term: "until the answer has left", why: "to answer", basis: service, guard: "never written to a disk or a log",
		},
		cacheRecord(d),
		{
			what: "How often each list blocked something", whose: "nobody: numbers by list, never by name or client", where: "memory",
			term: "until the program ends", why: "to see whether lists work", basis: "no personal data", guard: "no label that a client can choose",
		},
	}
	if d.Keeps.ClientRate {
		all = append(all, record{
			what: "How often an address or its network asked just now", whose: "who asks", where: "memory", term: "seconds",
			why: "so that one client cannot take the service from others", basis: interest, guard: "never written down; connections that prove an address are not punished for others",
		})
	}
	all = append(all, profileRecords(d)...)
	return append(all, deskRecords(d)...)
}

func cacheRecord(d *Deployment) record {
	made := record{
		what: "Names that were asked for and their answers, without who asked", whose: "nobody in particular; a rare name may hint at somebody", where: "memory",
		term: "until the answer's own time ends", why: "to answer faster, and to ask others less", basis: service, guard: "no client stands beside a name",
	}
	if d.Keeps.Stale > 0 {
		made.term += "; " + span(d.Keeps.Stale) + " more at the most, while the servers that know it are silent"
	}
	if d.Keeps.CacheOnDisk {
		made.where = "memory; on disk from a clean end of the program to its next start, readable by its owner alone"
	}
	return made
}

func profileRecords(d *Deployment) []record {
	var all []record
	if d.Profiles > 0 {
		all = append(all, record{
			what: "What a household asked to have filtered, who asked, and when", whose: "households that asked", where: "configuration or database",
			term: "until they end it", why: "to filter what they asked for, and to show that they did", basis: consent, guard: "stands in no answer and in no list that leaves this machine",
		})
	}
	if d.Keeps.Bindings {
		all = append(all, record{
			what: "Which address has which profile now", whose: "subscribers", where: "memory; encrypted on disk", term: "until the time that comes with it, a day where none does",
			why: "to give each line its own filter", basis: consent, guard: "in no bundle and no backup; ended when the line is given to somebody else",
		})
	}
	if d.Keeps.Devices {
		all = append(all, record{
			what: "Which hardware address has which IP address on the local link", whose: "people of the household", where: "memory, from the system's own table",
			term: "while the device is there", why: "to know a device by both of its addresses", basis: consent, guard: "never written down, never sent on",
		})
	}
	if d.passes() {
		all = append(all, record{
			what: "That somebody goes past one security block", whose: "who asked for it", where: "memory, as a hash with a key of the hour", term: "an hour at the most",
			why: "to let that one client pass", basis: service, guard: "neither address nor name can be read from it; a restart forgets it",
		})
	}
	return all
}

func deskRecords(d *Deployment) []record {
	all := []record{
		{
			what: "Visits to our pages, and names looked up there", whose: "visitors", where: "memory: how often a network asked just now", term: "minutes",
			why: "so that nobody can exhaust the pages", basis: interest, guard: "no log of pages, names or addresses; nothing on our pages is fetched from others",
		},
		{
			what: "What somebody writes who contests a block: name, explanation, contact if given", whose: "who contests", where: "database",
			term: "the case stays; what was written is apart from it, and is erased when we are asked to or it is of no more use", why: "to decide, and to answer", basis: interest,
			guard: "texts are apart from the log of events, which holds only their salted hash; contact is optional",
		},
		{
			what: "Orders, decisions and who made them", whose: "staff and authorities, in their office", where: "database, as a log that only grows", term: "as long as the database",
			why: "so that every block and every reversal can be proved", basis: obligation, guard: "each entry commits to the one before it; no client in it",
		},
	}
	if d.Keeps.Mail || d.Keeps.OnCall {
		all = append(all, record{
			what: "Messages to authorities, parties and staff on call", whose: "their recipients", where: "database", term: "until delivered; 30 days where that failed. Only a key without content stays for 90 days",
			why: "to tell what was decided and what waits", basis: obligation, guard: "erased with the delivery; in no log",
		})
	}
	return all
}
