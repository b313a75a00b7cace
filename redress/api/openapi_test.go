package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/guide"
	"github.com/recourse-dns/recourse/redress/orders"
	"github.com/recourse-dns/recourse/redress/report"
)

// description is the part of the document that the test looks at.
type description struct {
	OpenAPI    string                               `json:"openapi"`
	Paths      map[string]map[string]map[string]any `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Properties map[string]any `json:"properties"`
			Required   []string       `json:"required"`
		} `json:"schemas"`
	} `json:"components"`
}

func describe(t *testing.T) description {
	t.Helper()
	var d description
	if err := json.Unmarshal(openapi, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocumentHasTheRoutes(t *testing.T) {
	d := describe(t)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") {
		t.Errorf("version %q", d.OpenAPI)
	}
	var described, served []string
	for path, methods := range d.Paths {
		for method, operation := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
			if operation["operationId"] == nil || operation["responses"] == nil {
				t.Errorf("%s %s is half described", method, path)
			}
		}
	}
	for _, one := range (&handler{}).routes() {
		served = append(served, one.Method+" "+one.Path)
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described %v\nserved    %v", described, served)
	}
}

// headShape is how a head writes itself.
type headShape struct {
	Type      string `json:"type"`
	Origin    string `json:"origin"`
	Sequence  int64  `json:"sequence"`
	Hash      string `json:"hash"`
	At        string `json:"at"`
	Key       string `json:"key"`
	Signature string `json:"signature"`
}

func TestDocumentHasTheFields(t *testing.T) {
	d := describe(t)
	shapes := map[string]any{
		"Problem": problem{}, "EarlyProof": earlyProof{}, "Unfounded": redress.Unfounded{}, "MeasureFacts": redress.MeasureFacts{}, "Measure": measure{}, "MeasuresReply": measuresReply{}, "MeasureRequest": measureRequest{}, "MeasureAppealRequest": measureAppealRequest{}, "StandingMeasure": standingMeasure{}, "FieldProblem": fieldProblem{}, "Lookup": lookupReply{}, "LookupResult": lookupResult{}, "Reason": policy.Reason{},
		"Redress": policy.Redress{}, "Venue": blocklists.Venue{}, "Basis": blocklists.Basis{}, "FileRequest": fileRequest{}, "FileReply": fileReply{},
		"Challenge": challenge{}, "DNSChallenge": dnsChallenge{}, "HTTPChallenge": httpChallenge{}, "PageChallenge": pageChallenge{}, "Track": track{}, "Effect": effect{}, "NodeEffect": nodeEffect{}, "Blocking": blocking{}, "Status": status{}, "Elsewhere": elsewhere{}, "Below": below{}, "BlockedBelow": blockedBelow{},
		"StatusEvent": statusEvent{}, "Decision": decision{}, "ProgressReply": progressReply{}, "Finding": finding{}, "Steps": guide.Steps{}, "Paper": control.Paper{}, "PapersReply": papersReply{}, "PaperDecisionRequest": paperDecisionRequest{}, "VerifyRequest": verifyRequest{}, "VerifyReply": verifyReply{},
		"DecisionRequest": decisionRequest{}, "DecisionReply": decisionReply{}, "Summary": summary{}, "Review": review{}, "ReviewEvent": reviewEvent{},
		"Report": report.Transparency{}, "LogEnd": report.LogEnd{}, "ReportSection": report.Part{}, "ReportTable": report.Table{}, "ReportRow": report.Line{}, "Balance": report.Balance{}, "Month": report.Month{}, "Head": headShape{},
		"Content": redress.Content{}, "List": listReply{},
		"Triage": redress.Triage{}, "FactMatch": redress.FactMatch{}, "Duplicates": redress.Duplicates{}, "Vantage": redress.Vantage{},
		"CaseState": doneReply{}, "MessageRequest": messageRequest{}, "AskingRequest": askingRequest{}, "AppealRequest": appealRequest{}, "WithdrawalRequest": withdrawalRequest{},
		"RecoveryRequest": recoveryRequest{}, "CaseLink": linkReply{}, "RenewalRequest": renewalRequest{}, "Renewal": renewalReply{}, "RenewalProofRequest": renewalProofRequest{},
		"ElsewhereRequest": elsewhereRequest{}, "EndRequest": endRequest{}, "SentRequest": sentRequest{}, "MergerRequest": mergerRequest{}, "RereadRequest": rereadRequest{},
		"Statement": redress.Statement{}, "Written": redress.Written{}, "Paragraph": redress.Paragraph{}, "Effected": redress.Effected{}, "Remedy": redress.Remedy{}, "Record": redress.Record{}, "Dossier": redress.Dossier{},
		"Reversals": redress.Reversals{}, "Score": redress.Score{}, "Reversal": redress.Reversal{},
		"OrderRequest": orders.Submission{}, "OrderName": orders.Name{}, "OrderRedress": orders.Redress{}, "OrderReply": orderReply{}, "HeldName": heldName{},
		"ReceiptsReply": receiptsReply{}, "Receipt": receipt{}, "OrderFacts": redress.OrderFacts{}, "Document": blocklists.Document{}, "Published": blocklists.Published{}, "Authority": blocklists.Authority{},
		"BindRequest": bindRequest{}, "BindReply": bindReply{}, "UnbindReply": unbindReply{}, "LoadRequest": loadRequest{}, "LoadReply": loadReply{}, "LineProblem": lineProblem{},
		"DeviceRequest": deviceRequest{}, "Device": deviceReply{}, "NewDevice": newDeviceReply{}, "Devices": devicesReply{}, "UnknownDevice": unknownDevice{}, "RemovedDevice": removedReply{}, "ChangedDevice": changedDevice{},
		"ExceptionRequest": exceptionRequest{}, "EndExceptionRequest": endExceptionRequest{}, "ExceptionEffect": exceptionEffect{}, "Exception": exceptionReply{}, "Exceptions": exceptionsReply{},
		"AllowRequest": allowRequest{}, "Lend": profile.Lend{},
		// Profiles.
		"ProfileRequest": profileRequest{}, "ProfileReply": profileReply{}, "ProfileChanged": profileChanged{}, "PauseRequest": pauseRequest{},
		"ExtraRequest": extraRequest{}, "ChangesReply": changesReply{}, "ProfileChange": profileChange{}, "AskRequest": askRequest{},
		"RequestsReply": requestsReply{}, "ProfileAsked": profileAsked{}, "AnswerRequest": answerRequest{}, "Requested": profile.Requested{},
		"SafeSearch": rewrite.Choice{}, "Schedule": profile.Schedule{}, "Window": profile.Window{}, "Pause": profile.Pause{},
		"OrderChangeRequest": orders.Change{}, "OrderCorrectionRequest": orders.Correction{}, "OrderDecisionRequest": orders.Decision{}, "OrderEndRequest": orders.Ending{},
		"OrderSuspensionRequest": orders.Pause{}, "OrderReleaseRequest": orders.Letting{}, "ShownOrder": shownOrder{}, "ShownName": shownName{},
		"OrderEvent": orderEvent{}, "ListedOrder": listedOrder{}, "OrdersReply": ordersReply{},
	}
	for name, shape := range shapes {
		schema, described := d.Components.Schemas[name]
		if !described {
			t.Errorf("%s is not described", name)
			continue
		}
		all, always := fieldsOf(reflect.TypeOf(shape))
		var properties []string
		for property := range schema.Properties {
			properties = append(properties, property)
		}
		slices.Sort(properties)
		if !slices.Equal(properties, all) {
			t.Errorf("%s: described %v\nhas %v", name, properties, all)
		}
		if strings.HasSuffix(name, "Request") {
			continue // what must be sent is not in the type
		}
		required := slices.Sorted(slices.Values(schema.Required))
		if !slices.Equal(required, always) {
			t.Errorf("%s: required %v\nalways there %v", name, required, always)
		}
	}
	for name := range d.Components.Schemas {
		if shapes[name] == nil {
			t.Errorf("%s is described and nothing has this shape", name)
		}
	}
}

// fieldsOf are a type's JSON fields, and those that are never left out.
func fieldsOf(kind reflect.Type) (all, always []string) {
	for _, field := range reflect.VisibleFields(kind) {
		if field.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		all = append(all, name)
		if options == "" {
			always = append(always, name)
		}
	}
	slices.Sort(all)
	slices.Sort(always)
	return all, always
}

func TestDocumentReferencesExist(t *testing.T) {
	d := describe(t)
	var walk func(value any)
	walk = func(value any) {
		switch typed := value.(type) {
		case map[string]any:
			if reference, ok := typed["$ref"].(string); ok {
				if _, found := d.Components.Schemas[strings.TrimPrefix(reference, "#/components/schemas/")]; !found {
					t.Errorf("%s leads nowhere", reference)
				}
			}
			for _, inner := range typed {
				walk(inner)
			}
		case []any:
			for _, inner := range typed {
				walk(inner)
			}
		}
	}
	var whole any
	if err := json.Unmarshal(openapi, &whole); err != nil {
		t.Fatal(err)
	}
	walk(whole)
}
