package structuredtest_test

import (
	"testing"

	"github.com/recourse-dns/recourse/policy/structuredtest"
)

func TestCheckFindsWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		code uint16
		text string
		good bool
	}{
		"whole":              {15, `{"c":["mailto:a@b.example?subject=7K4Q-92QF-M3TX","tel:+3912345"],"j":"why","s":2,"o":"me","l":"en","fdbs":[{"db":"lumen","id":"1"}]}`, true},
		"s with law":         {16, `{"j":"why","s":2,"l":"en"}`, false},
		"an operator's s":    {17, `{"j":"why","s":6,"l":"en"}`, false},
		"reserved s":         {15, `{"j":"why","s":0,"l":"en"}`, false},
		"no language":        {15, `{"j":"why"}`, false},
		"a web address":      {15, `{"c":["https://a.example/"]}`, false},
		"mail without code":  {15, `{"c":["mailto:a@b.example"]}`, false},
		"another member":     {15, `{"j":"why","l":"en","p":"kids"}`, false},
		"twice":              {15, `{"j":"why","j":"why","l":"en"}`, false},
		"twice within":       {15, `{"fdbs":[{"db":"a","db":"a","id":"b"}]}`, false},
		"spaces":             {15, `{"j": "why","l":"en"}`, false},
		"half a surrogate":   {15, `{"j":"\ud800","l":"en"}`, false},
		"whole surrogates":   {15, `{"j":"\ud83d\ude00","l":"en"}`, false},
		"not UTF-8":          {15, "{\"j\":\"\xff\",\"l\":\"en\"}", false},
		"a noncharacter":     {15, "{\"j\":\"\ufdd0\",\"l\":\"en\"}", false},
		"nothing":            {15, `{}`, false},
		"two values":         {15, `{"j":"why","l":"en"}{}`, false},
		"a code without any": {18, `{"j":"why","l":"en"}`, false},
	} {
		if _, err := structuredtest.Check(test.code, test.text); (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
