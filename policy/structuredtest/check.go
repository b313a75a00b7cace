package structuredtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Check gives the members of a text that stands beside an INFO-CODE.
func Check(code uint16, text string) (map[string]any, error) {
	if err := isIJSON(text); err != nil {
		return nil, fmt.Errorf("%q is no I-JSON: %w", text, err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil || compact.String() != text {
		return nil, fmt.Errorf("%q could be shorter: %q, %w", text, compact.String(), err)
	}
	path, err := schemaPath()
	if err != nil {
		return nil, err
	}
	schema, err := jsonschema.NewCompiler().Compile(path + "#/$defs/" + strconv.Itoa(int(code)))
	if err != nil {
		return nil, fmt.Errorf("the schema for code %d: %w", code, err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	if err := schema.Validate(value); err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	members, is := value.(map[string]any)
	if !is {
		return nil, fmt.Errorf("%s is no object", text)
	}
	return members, nil
}

// schemaPath is where the schema lies above the folder that a test runs in.
func schemaPath() (string, error) {
	directory, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(directory, "docs", "structured-error.schema.json")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		above := filepath.Dir(directory)
		if above == directory {
			return "", errors.New("docs/structured-error.schema.json is nowhere above")
		}
		directory = above
	}
}

// isIJSON holds a text to RFC 7493, section 2: UTF-8 without surrogates and noncharacters, also
// as escapes, and no name twice in one object.
func isIJSON(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("not UTF-8")
	}
	for _, form := range [...]string{`\ud`, `\uD`} {
		if strings.Contains(text, form) {
			return errors.New("a surrogate")
		}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	if err := readValue(decoder); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something behind the value")
	}
	return nil
}

func readValue(decoder *json.Decoder) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return readMembers(decoder)
	case json.Delim('['):
		for decoder.More() {
			if err := readValue(decoder); err != nil {
				return err
			}
		}
		_, err = decoder.Token()
		return err
	}
	if said, is := token.(string); is {
		return isText(said)
	}
	return nil
}

func readMembers(decoder *json.Decoder) error {
	names := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if names[name] {
			return fmt.Errorf("%q stands twice", name)
		}
		names[name] = true
		if err := readValue(decoder); err != nil {
			return err
		}
	}
	_, err := decoder.Token()
	return err
}

// isText finds what no text may have: noncharacters.
func isText(text string) error {
	for _, r := range text {
		if r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe {
			return fmt.Errorf("the noncharacter %U", r)
		}
	}
	return nil
}
