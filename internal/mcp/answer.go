package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// maxReport is the longest answer that is searched for AWS's refusals: an answer
// that reports one is short, and a long one must not cost more than its relaying.
const maxReport = 1 << 20

// describe says what kind of answer it was. The ECS server reports what AWS
// refused inside ordinary results, so it is looked for where servers put their
// errors; the same words in data, such as a log line, are nobody's refusal.
// The answer itself is passed on as it is.
func describe(m *wire.Message) (class, note string, refused []audit.AWSRefusal) {
	class = classAnswered
	if m.Error != nil || m.IsToolError() {
		class = classToolError
	}
	if len(m.Raw) > maxReport || class == classAnswered && !hinted(m.Raw) {
		return class, "", nil
	}
	refused = refusalsIn(m)
	var lines []string
	for _, r := range refused {
		lines = append(lines, r.String())
	}
	switch {
	case slices.ContainsFunc(refused, audit.AWSRefusal.IsDenial):
		return classAWSDenied, "AWS refused " + strings.Join(lines, "; "), refused
	case len(refused) > 0:
		return classAWSCredentials, "AWS did not take the server's credentials, or it had none: " + strings.Join(lines, "; "), refused
	case bytes.Contains(m.Raw, []byte("AccessDenied")):
		return class, "the answer mentions AccessDenied, but not where servers report errors", nil
	}
	return class, "", nil
}

// hinted is false of nearly every answer, and cheap: one that reports an error
// has that word somewhere besides isError.
func hinted(raw []byte) bool {
	words := 1
	if bytes.Contains(raw, []byte("isError")) {
		words = 2
	}
	for rest := raw; words > 0; words-- {
		_, after, found := bytes.Cut(rest, []byte("rror"))
		if !found {
			return false
		}
		rest = after
	}
	return slices.ContainsFunc(hints, func(hint string) bool { return bytes.Contains(raw, []byte(hint)) })
}

// refusalsIn looks through an error or a result.
func refusalsIn(m *wire.Message) []audit.AWSRefusal {
	s := &search{}
	if m.Error != nil {
		s.value(decoded(m.Error), "", true)
		return s.found
	}
	result, ok := decoded(m.Result).(map[string]any)
	if !ok {
		return nil
	}
	s.value(result["structuredContent"], "", false)
	blocks, _ := result["content"].([]any)
	for _, b := range blocks {
		if block, ok := b.(map[string]any); ok {
			if text, ok := block["text"].(string); ok {
				s.text(text, m.IsToolError())
			}
		}
	}
	return s.found
}

// decoded is the JSON value, or nil if it is none.
func decoded(raw []byte) (v any) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// search collects refusals, each once.
type search struct{ found []audit.AWSRefusal }

// text looks through the text of a content block. Text that is not JSON is an
// error if the result is one, or if it begins as one.
func (s *search) text(text string, failed bool) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		if v := decoded([]byte(text)); v != nil {
			s.value(v, "", failed)
			return
		}
	}
	first, _, _ := strings.Cut(text, "\n")
	switch {
	case failed:
		s.take(text)
	case strings.HasPrefix(first, "An error occurred ("), strings.HasPrefix(first, "Error"):
		s.take(first)
	}
}

// value looks through data for members that hold errors. Failed says that the
// object which has the value says itself that something failed; of a value
// without a name, that the whole is an error.
func (s *search) value(v any, name string, failed bool) {
	if len(s.found) >= maxRefusals {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		failed := saysFailed(v) || failed && name == ""
		for _, name := range slices.Sorted(maps.Keys(v)) {
			s.value(v[name], name, failed)
		}
	case []any:
		for _, one := range v {
			s.value(one, name, failed)
		}
	case string:
		if holdsError(name, failed) {
			s.take(v)
		}
	}
}

func (s *search) take(text string) {
	for _, r := range awsRefusals(text) {
		if len(s.found) < maxRefusals && !slices.Contains(s.found, r) {
			s.found = append(s.found, r)
		}
	}
}

// saysFailed: {"status": "failed", …}, as the ECS server has it for a whole
// answer and for parts of one.
func saysFailed(object map[string]any) bool {
	status, _ := object["status"].(string)
	return slices.Contains([]string{"failed", "error", "failure"}, strings.ToLower(status))
}

// holdsError: error, errors, events_error and the like, and what an object that
// failed says about itself.
func holdsError(name string, failed bool) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "error") || name == "errors" || name == "error_message" || name == "errormessage" ||
		failed && slices.Contains([]string{"message", "details", "reason"}, name)
}

// withheld is the answer for a request whose own answer is too long.
func (c *Conversation) withheld(r *request) []byte {
	text := "ecs-mcp-proxy: the server answered, but with more than limits.message_bytes allows, so its answer is withheld"
	if r.call == nil {
		return wire.ErrorResponse(r.message.ID, codeInternal, text, nil)
	}
	text += fmt.Sprintf(". The call is over and was not repeated: if it changed something, that stands. Ask for less at a time.\nDecision %s; to see all of it: %s",
		r.call.id, c.Gate.ShowCommand(r.call.id))
	if toldInResult(r.message) {
		return wire.ToolError(r.message.ID, text, nil, r.message.ModernVersion)
	}
	return wire.ErrorResponse(r.message.ID, codeInternal, text, map[string]string{"decision_id": r.call.id})
}
