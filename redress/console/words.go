package console

import (
	"fmt"
)

// words are those of the closed sets that pages show. What is not here is shown as it is.
func words(kind string, value any) string {
	key := fmt.Sprint(value)
	if word, known := vocabulary()[kind][key]; known {
		return word
	}
	return key
}

func vocabulary() map[string]map[string]string {
	return map[string]map[string]string{
		"role": {
			"reviewer": "reviewer", "second_reviewer": "second reviewer", "operator": "operator", "auditor": "auditor", "authority": "authority",
			"party": "the party", "system": "the desk", "household": "household", "provisioning": "provisioning",
		},
		"duty": {
			string(reviewer):  "You decide cases: facts first, then the outcome, then the reasons that the party reads.",
			string(second):    "You decide cases, read decisions again, hear appeals of cases that you did not decide, and release holds with another person.",
			string(operator):  "You run this resolver: lists, holds, orders, exceptions and alarms, and you may decide cases.",
			string(auditor):   "You may read everything but the contact data of parties, and change nothing.",
			string(authority): "You submit, follow and lift the orders of your authority.",
		},
		"track": {
			"submitted": "open", "interim": "unblocked for now, open", "appeal": "appealed, open", "need_info": "waits for the party", "referred": "with the authority",
			"upheld": "upheld", "reversed": "reversed", "narrowed": "narrowed", "shortened": "ends early", "confirmed": "carried out rightly", "fixed": "carried out wrongly, put right",
			"closed": "closed", "withdrawn": "withdrawn", "inadmissible": "inadmissible", "merged": "merged", "decided": "decided",
		},
		"event": {
			"filed": "filed", "referred": "referred to the authority", "verified": "control of the name proved", "decided": "decided", "in_force": "in force",
			"message": "message", "asked": "asked the party", "relieved": "unblocked for now", "appealed": "appealed", "reread": "read again", "withdrawn": "withdrawn",
			"dismissed": "dismissed as inadmissible", "merged": "merged into another case", "closed": "closed without a reply", "authority_decided": "the authority decided",
			"external": "a court or another body decided", "reopened": "opened again", "link_renewed": "link renewed", "triaged": "facts gathered", "retested": "tested again",
			"clock_missed": "a deadline was missed", "reply_overdue": "the party’s reply is overdue", "authority_reminded": "the authority was reminded",
			"unanswered": "published as unanswered by the authority", "exception_review": "the exception is due for review", "reblocked": "blocked again: two feeds list it",
			"dossier_sent": "the dossier for the authority", "dossier_delivered": "a person sent the authority the dossier", "publisher_told": "the publisher was told", "holder_first": "told that the account holder can undo it", "followed": "the case that stands for it was decided", "warned": "warned", "suspended": "suspended",
			"measure_proposed": "a warning or suspension is proposed", "measure_dropped": "nothing is done about the party", "measure_appealed": "suspension appealed",
			"measure_upheld": "suspension upheld on appeal", "measure_lifted": "warning or suspension lifted", "measure_ended": "suspension ended",
			"exception_made": "exception made", "exception_ended": "exception ended", "alarm_acknowledged": "alarm looked after",
			"order_recorded": "recorded: no order", "order_accepted": "accepted", "order_held": "held by a safeguard", "order_changed": "changed", "order_lifted": "lifted",
			"order_suspended": "suspended or resumed", "order_released": "released by a person", "order_in_force": "in force", "order_late": "in force late", "order_node_late": "not in force at a node in time",
			"order_not_executed": "not executed in time", "order_overridden": "in force over a safeguard", "order_decision": "decision entered by one of two",
		},
		"measure": {
			"proposed": "proposed: a person decides", "dropped": "dropped", "given": "in force", "appealed": "appealed: somebody else decides", "upheld": "upheld on appeal",
			"lifted": "lifted", "ended": "ended by itself",
		},
		"outcome":  {"uphold": "The block stays", "reverse": "The block is lifted", "narrow": "The block is narrowed", "shorten": "The block ends early"},
		"actor":    {"party": "the party", "system": "the desk", "second_reviewer": "second reviewer"},
		"question": {"merits": "Should it be blocked?", "implementation": "Did we carry it out rightly?"},
		"party":    {"owner": "the owner", "agent": "somebody for the owner", "reporter": "anybody else"},
		"order": {
			"in_force": "in force", "partly_held": "in force, some names held", "held": "held", "scheduled": "not yet in force", "suspended": "suspended",
			"expired": "run out", "lifted": "lifted", "unlawful": "no order: recorded, blocks nothing",
		},
		"fetch": {"ok": "good", "kept": "last good copy", "missing": "missing", "unasked": "not asked yet"},
	}
}
