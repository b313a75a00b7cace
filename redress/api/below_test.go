package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestAProofOpensLinkedCasesBelow(t *testing.T) {
	s := serve(t)
	s.Lists["phishing"] = append(s.Lists["phishing"], "shop.example", "www.shop.example")
	s.Lists["gambling"] = append(s.Lists["gambling"], "play.shop.example")
	s.Lists["hidden"] = append(s.Lists["hidden"], "dark.shop.example")
	s.Reload()
	_, receipt, _ := s.call("POST", "/api/v1/cases", "", filing("shop.example"))
	id, token := receipt["id"].(string), receipt["token"].(string)
	if linked := receipt["linked"].([]any); len(linked) > 0 {
		t.Fatalf("linked before the proof: %v", linked)
	}
	_, shown, _ := s.call("GET", "/api/v1/cases/"+id, token, "")
	told := shown["below"].(map[string]any)
	if told["names"] != 2.0 || told["without_case"] != 2.0 || len(told["blocked"].([]any)) > 0 || !strings.Contains(told["note"].(string), "The one proof of control covers them") {
		t.Errorf("told before the proof: %v", told)
	}
	challenge := receipt["challenge"].(map[string]any)["dns"].(map[string]any)
	s.DNS.Add(fmt.Sprintf(`%s. 60 IN TXT "%s"`, challenge["name"], challenge["value"]))
	if _, reply, _ := s.call("POST", "/api/v1/cases/"+id+"/verify", token, ""); reply["verified"] != true {
		t.Fatal(reply)
	}
	_, shown, _ = s.call("GET", "/api/v1/cases/"+id, token, "")
	told = shown["below"].(map[string]any)
	if told["without_case"] != 0.0 || len(told["blocked"].([]any)) != 2 {
		t.Errorf("told after the proof: %v", told)
	}
	var names []string
	for _, linked := range shown["linked"].([]any) {
		status, other, _ := s.call("GET", "/api/v1/cases/"+linked.(string), token, "")
		if status != 200 || other["verified"] != true || other["below"] != nil {
			t.Errorf("%d %v", status, other)
		}
		names = append(names, other["name"].(string))
	}
	if slices.Sort(names); !slices.Equal(names, []string{"play.shop.example", "www.shop.example"}) {
		t.Errorf("linked cases of %v", names)
	}
}
