package wire

import (
	"bytes"
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"
)

// Described returns what the tool says of itself, by member, each in one spelling:
// the order of members and white space do not tell two of them apart, and nothing
// else is lost. Its _meta, which clients show nobody, is left out. The tool must
// come from [Tools].
func (t Tool) Described() (map[string]string, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(t.Raw, &members); err != nil {
		return nil, err
	}
	said := map[string]string{}
	for name, value := range members { // all: a reader that ignores case takes "Description" too
		if name == "name" || name == "_meta" {
			continue
		}
		one := jsontext.Value(bytes.Clone(value))
		if err := one.Format(jsontext.ReorderRawObjects(true)); err != nil {
			return nil, err
		}
		said[name] = string(one)
	}
	return said, nil
}
