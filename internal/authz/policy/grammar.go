package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Forms of the elements. Source: IAM user guide, "Grammar of the IAM JSON policy
// language" and "IAM JSON policy elements reference".
var (
	sidForm    = regexp.MustCompile(`^[A-Za-z0-9]+$`)
	actionForm = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$`)
	// Whole, or with wildcards: one that can be no region or account never matches.
	regionForm   = regexp.MustCompile(`^(?:[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})?$|^[a-z0-9-]*[*?][a-z0-9*?-]*$`)
	accountForm  = regexp.MustCompile(`^(?:[0-9]{12}|aws)?$|^[0-9]*[*?][0-9*?]*$`)
	variableForm = regexp.MustCompile(`\$\{[^}]*\}`)
	// Placeholders of our own documents, and those of AWS's examples.
	placeholderForm = regexp.MustCompile(`\{\{[^}]*\}\}|\b(?:ACCOUNT_ID|CLUSTER_NAME|SERVICE_NAME|ROLE_NAME)\b`)
	// What AWS reads in ${…}: a sign, or a key that may have a default.
	variableText = regexp.MustCompile(`^\$\{(?:[*?$]|[A-Za-z0-9-]+:[^\s,'{}$*?](?:[^,'{}$*?]*[^\s,'{}$*?])?(?:, '[^'{}$]*')?)\}$`)
	// A variable that the request may leave without a value.
	bareVariableForm = regexp.MustCompile(`\$\{[^},*?$]+\}`)
)

// grammar checks a decoded document and collects every mistake.
type grammar struct {
	problems  []mistake
	variables bool // the Version has policy variables
}

func (g *grammar) fail(where, format string, args ...any) {
	g.problems = append(g.problems, mistake{where, fmt.Sprintf(format, args...)})
}

// mistake is one thing that is wrong, and where in the document.
type mistake struct{ place, message string }

func (m mistake) Error() string { return m.place + ": " + m.message }

func (g *grammar) document(value any) {
	document, ok := value.(map[string]any)
	if !ok {
		g.fail("document", "must be a JSON object with Version and Statement")
		return
	}
	if g.wrapped(document) {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(document)) {
		if key != "Version" && key != "Id" && key != "Statement" {
			g.fail(key, "is no element of a policy document; there are Version, Id and Statement")
		}
	}
	switch version, present := document["Version"]; {
	case version == "2012-10-17":
		g.variables = true
	case present && version != "2008-10-17":
		g.fail("Version", `must be "2012-10-17" or "2008-10-17"`)
	}
	if id, present := document["Id"]; present {
		g.text("Id", id)
	}
	statements, present := document["Statement"]
	if many := list(statements); !present || len(many) == 0 {
		g.fail("Statement", "is missing or empty; without a statement the document says nothing")
	}
	sids := map[string]int{}
	for i, s := range list(statements) {
		where := fmt.Sprintf("Statement[%d]", i)
		object, ok := s.(map[string]any)
		if !ok {
			if present {
				g.fail(where, "must be an object")
			}
			continue
		}
		g.statement(where, object)
		if sid, ok := object["Sid"].(string); ok {
			if first, seen := sids[sid]; seen {
				g.fail(where+".Sid", "%q is already the Sid of Statement[%d]; AWS wants each once", sid, first)
			} else {
				sids[sid] = i
			}
		}
	}
}

// wrapped refuses what the AWS CLI prints around a document.
func (g *grammar) wrapped(document map[string]any) bool {
	if _, ok := document["Statement"]; ok {
		return false
	}
	if _, ok := document["PolicyVersion"]; ok {
		g.fail("PolicyVersion", "is around the document; write what is in its Document alone (jq .PolicyVersion.Document FILE)")
		return true
	}
	for _, key := range []string{"PolicyDocument", "AssumeRolePolicyDocument", "Document", "document"} {
		if _, ok := document[key]; ok {
			g.fail(key, "is around the document; write what is in it alone (jq .%s FILE)", key)
			return true
		}
	}
	if _, ok := document["Policy"]; ok {
		g.fail("Policy", "describes a policy and is none; aws iam get-policy-version --query PolicyVersion.Document prints the document")
		return true
	}
	return false
}

func (g *grammar) statement(where string, s map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(s)) {
		switch key {
		case "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition":
		case "Principal", "NotPrincipal":
			g.fail(where+"."+key, "belongs to resource policies; whom this document is for is said by the persona that names it")
		default:
			g.fail(where+"."+key, "is no element of a statement; elements are spelled Sid, Effect, Action, NotAction, Resource, NotResource, Condition")
		}
	}
	if sid, present := s["Sid"]; present {
		if text, ok := sid.(string); !ok || !sidForm.MatchString(text) {
			g.fail(where+".Sid", "must be letters and digits; leave it out rather than empty")
		}
	}
	if effect := s["Effect"]; effect != "Allow" && effect != "Deny" {
		g.fail(where+".Effect", `must be "Allow" or "Deny", spelled exactly so`)
	}
	g.oneOf(where, s, "Action", "NotAction", g.action)
	g.oneOf(where, s, "Resource", "NotResource", g.resource)
	if block, present := s["Condition"]; present {
		g.condition(where+".Condition", block, s["Effect"] != "Allow")
	}
}

// oneOf checks that exactly one of two elements is there, and each of its texts.
func (g *grammar) oneOf(where string, s map[string]any, plain, negated string, check func(where, text string)) {
	_, hasPlain := s[plain]
	_, hasNegated := s[negated]
	if hasPlain == hasNegated {
		g.fail(where, "needs exactly one of %s and %s", plain, negated)
	}
	for _, key := range []string{plain, negated} {
		value, present := s[key]
		if !present {
			continue
		}
		values := list(value)
		if len(values) == 0 {
			g.fail(where+"."+key, "is empty, so it would match nothing")
		}
		for i, v := range values {
			at := element(where+"."+key, i, values)
			if text, ok := g.text(at, v); ok {
				check(at, text)
			}
		}
	}
}

// element is the place of one of values; a single one has the place of all.
func element(where string, i int, values []any) string {
	if len(values) == 1 {
		return where
	}
	return fmt.Sprintf("%s[%d]", where, i)
}

// text refuses what is no text, or still a template.
func (g *grammar) text(where string, value any) (string, bool) {
	text, ok := value.(string)
	if !ok {
		g.fail(where, "must be a string, or a list of strings")
		return "", false
	}
	if found := placeholderForm.FindString(text); found != "" {
		g.fail(where, "still holds the placeholder %s; put a value in its place", found)
		return "", false
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0xe000 && r <= 0xe002 }) {
		g.fail(where, "holds a control or private-use character, which no AWS name has")
		return "", false
	}
	return text, true
}

func (g *grammar) action(where, text string) {
	if text != "*" && !actionForm.MatchString(text) {
		g.fail(where, `%q is no action; write service:Name with wildcards in the name only, or "*"`, text)
	}
}

func (g *grammar) resource(where, text string) {
	if text == "*" {
		return
	}
	g.arn(where, text)
	g.variable(where, text)
	// Source: IAM user guide, "Variables and tags", Where you can use policy variables.
	if at := variableForm.FindStringIndex(text); g.variables && at != nil && strings.Count(text[:at[0]], ":") < 5 {
		g.fail(where, "%q: AWS replaces policy variables after the fifth colon only; write what stands before, or *", text)
	}
}

// arn refuses patterns that can match no ARN: AWS takes them in silence.
func (g *grammar) arn(where, text string) {
	// A variable may hold colons of its own.
	parts := strings.SplitN(variableForm.ReplaceAllString(text, "*"), ":", 6)
	switch {
	case parts[0] != "arn":
		g.fail(where, `%q is no ARN; write arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, or "*"`, text)
	case len(parts) < 6 && !strings.HasSuffix(text, "*"):
		g.fail(where, "%q has %d of an ARN's six parts and does not end in *, so it matches nothing", text, len(parts))
	case len(parts) > 3 && !regionForm.MatchString(parts[3]):
		g.fail(where, "%q: %q is no region; put the region, or *, in its place", text, parts[3])
	case len(parts) > 4 && !accountForm.MatchString(parts[4]) && parts[4] != "aws":
		g.fail(where, "%q: %q is no account; put twelve digits, or *, in its place", text, parts[4])
	}
}

// variable refuses a policy variable that is cut off or empty.
func (g *grammar) variable(where, text string) {
	if !g.variables {
		return
	}
	if rest := variableForm.ReplaceAllString(text, ""); strings.Contains(rest, "${") {
		g.fail(where, "%q: a policy variable is not closed; write ${key}, or ${$}{ for the text ${", text)
	}
	for _, v := range variableForm.FindAllString(text, -1) {
		if inner := strings.TrimSpace(v[2 : len(v)-1]); inner == "" || strings.HasPrefix(inner, ",") {
			g.fail(where, "%q: a policy variable without a key; write ${key} or ${key, 'default'}", text)
		} else if !variableText.MatchString(v) {
			g.fail(where, "%q: %s is no policy variable; write ${service:Key} or ${service:Key, 'default'}, blanks as here", text, v)
		}
	}
}
