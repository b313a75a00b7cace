package redress

import (
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
)

// Record is the machine copy of a statement, with field names and values of the DSA Transparency
// Database. We are not bound to send it there, and do not.
type Record struct {
	Visibility  []string  `json:"decision_visibility"`
	Ground      string    `json:"decision_ground"`
	LegalGround string    `json:"illegal_content_legal_ground,omitempty"`
	Explanation string    `json:"illegal_content_explanation,omitempty"`
	TermsGround string    `json:"incompatible_content_ground,omitempty"`
	TermsWhy    string    `json:"incompatible_content_explanation,omitempty"`
	Facts       string    `json:"decision_facts,omitempty"`
	ContentType []string  `json:"content_type"`
	Category    string    `json:"category"`
	Territory   []string  `json:"territorial_scope"`
	Application time.Time `json:"application_date,omitzero"`
	End         time.Time `json:"end_date_visibility_restriction,omitzero"`
	Source      string    `json:"source_type"`
	Detection   string    `json:"automated_detection"`
	Automated   string    `json:"automated_decision"`
	ID          string    `json:"puid"`
}

func (s *Statement) record() Record {
	record := Record{
		Visibility: []string{"DECISION_VISIBILITY_CONTENT_DISABLED"}, Facts: s.Facts, ContentType: []string{"CONTENT_TYPE_OTHER"},
		Category: category(s.Category), Territory: s.Territory, Application: s.From, End: s.Until,
		Source: "SOURCE_VOLUNTARY", Detection: "No", Automated: "AUTOMATED_DECISION_NOT_AUTOMATED",
	}
	if s.Case != "" {
		record.ID = string(s.Case) + "." + string(s.Question)
	} else {
		record.ID = s.Code
	}
	if s.What == Unblocked {
		record.Visibility = []string{}
	}
	if s.GroundKind == "law" {
		record.Ground, record.LegalGround, record.Explanation = "DECISION_GROUND_ILLEGAL_CONTENT", legalGround(s), s.Ground
		record.Source = "SOURCE_TYPE_OTHER_NOTIFICATION"
	} else {
		record.Ground, record.TermsGround, record.TermsWhy = "DECISION_GROUND_INCOMPATIBLE_CONTENT", s.Purpose, s.Ground
	}
	if s.Detection == policy.Automated {
		record.Detection = "Yes"
	}
	if s.Automated && s.DecidedBy == "" {
		record.Automated = "AUTOMATED_DECISION_FULLY"
	}
	return record
}

// legalGround is the order and what it stands on.
func legalGround(s *Statement) string {
	parts := []string{s.Order}
	for _, basis := range s.LegalBasis {
		parts = append(parts, strings.TrimSpace(basis.Act+" "+basis.Article))
	}
	return strings.Trim(strings.Join(parts, "; "), "; ")
}

// category is the database's word for one of ours.
func category(ours string) string {
	switch ours {
	case "csam":
		return "STATEMENT_CATEGORY_PROTECTION_OF_MINORS"
	case "terrorism", "sanctions":
		return "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY"
	case "copyright":
		return "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS"
	case "gambling-unlicensed", "medicines", "tobacco-drugs":
		return "STATEMENT_CATEGORY_UNSAFE_AND_ILLEGAL_PRODUCTS"
	case "consumer-fraud", "financial-unauthorised", "phishing", "scam":
		return "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"
	case "hate-defamation":
		return "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"
	case "adult":
		return "STATEMENT_CATEGORY_PORNOGRAPHY_OR_SEXUALIZED_CONTENT"
	case "violence":
		return "STATEMENT_CATEGORY_VIOLENCE"
	}
	return "STATEMENT_CATEGORY_SCOPE_OF_PLATFORM_SERVICE"
}
