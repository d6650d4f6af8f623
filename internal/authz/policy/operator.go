package policy

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	numberForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	keyForm    = regexp.MustCompile(`^[A-Za-z0-9-]+:[^\x00-\x1f${}]+$`)
	// The dates that rego/iam/operator.rego reads: another would never match.
	dateForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{8,}(Z|[+-][0-9]{2}:[0-9]{2}))?$`)
)

// operators are the condition operators by their folded names, each with the
// kind of value it compares and whether it negates. They are those of
// rego/iam/operator.rego.
var operators = map[string]struct {
	kind    string
	negated bool
}{
	"stringequals": {"string", false}, "stringnotequals": {"string", true},
	"stringequalsignorecase": {"string", false}, "stringnotequalsignorecase": {"string", true},
	"stringlike": {"string", false}, "stringnotlike": {"string", true},
	"arnequals": {"arn", false}, "arnlike": {"arn", false},
	"arnnotequals": {"arn", true}, "arnnotlike": {"arn", true},
	"bool": {"bool", false}, "binaryequals": {"binary", false},
	"ipaddress": {"address", false}, "notipaddress": {"address", true},
	"numericequals": {"number", false}, "numericnotequals": {"number", true},
	"numericlessthan": {"number", false}, "numericlessthanequals": {"number", false},
	"numericgreaterthan": {"number", false}, "numericgreaterthanequals": {"number", false},
	"dateequals": {"date", false}, "datenotequals": {"date", true},
	"datelessthan": {"date", false}, "datelessthanequals": {"date", false},
	"dategreaterthan": {"date", false}, "dategreaterthanequals": {"date", false},
}

func (g *grammar) condition(where string, value any, denies bool) {
	block, ok := value.(map[string]any)
	if !ok {
		g.fail(where, "must be an object of operators")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(block)) {
		g.operator(where+"."+name, name, block[name], denies)
	}
}

func (g *grammar) operator(where, name string, value any, denies bool) {
	bare := strings.ToLower(name)
	if bare != "null" {
		if rest, cut := strings.CutPrefix(bare, "forallvalues:"); cut {
			bare = rest
		} else {
			bare = strings.TrimPrefix(bare, "foranyvalue:")
		}
		bare = strings.TrimSuffix(bare, "ifexists")
	}
	op, known := operators[bare]
	if bare == "null" {
		op.kind, known = "bool", bare == strings.ToLower(name)
	}
	if !known {
		g.fail(where, "is no condition operator; a statement with it would never match, so a Deny would be lost")
		return
	}
	keys, ok := value.(map[string]any)
	if !ok || len(keys) == 0 {
		g.fail(where, "must be an object of condition keys")
		return
	}
	folded := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if other, seen := folded[strings.ToLower(key)]; seen {
			g.fail(where, "%q and %q are one condition key to IAM; merge them", other, key)
		}
		folded[strings.ToLower(key)] = key
		if !keyForm.MatchString(key) || placeholderForm.MatchString(key) {
			g.fail(where, `%q is no condition key; write service:Name, such as aws:ResourceTag/Environment`, key)
		}
		values := list(keys[key])
		if len(values) == 0 {
			g.fail(where+"."+key, "has no value to compare with")
		}
		for i, v := range values {
			g.operand(element(where+"."+key, i, values), op.kind, v, denies && op.negated)
		}
	}
}

// operand checks one value of a condition. lostByVariable: the statement is a
// Deny under a negated operator, and AWS's own pages disagree whether a variable
// without a value makes that match.
func (g *grammar) operand(where, kind string, value any, lostByVariable bool) {
	switch v := value.(type) {
	case bool, json.Number:
		value = fmt.Sprint(v)
	}
	text, ok := g.text(where, value)
	if !ok {
		return
	}
	g.variable(where, text)
	if g.variables && variableForm.MatchString(text) {
		// Source: IAM user guide, "Variables and tags", Where you can use policy variables.
		if kind != "string" && kind != "arn" {
			g.fail(where, "%q: AWS replaces policy variables under String and Arn operators only, so this would never match; write the value", text)
		}
		if lostByVariable && bareVariableForm.MatchString(text) {
			g.fail(where, "%q: a variable without a value would undo this Deny; write ${key, 'default'}", text)
		}
		return
	}
	if problem := operandProblem(kind, text); problem != "" {
		g.fail(where, "%q %s", text, problem)
	}
}

func operandProblem(kind, text string) string {
	switch kind {
	case "bool":
		if f := strings.ToLower(text); f != "true" && f != "false" {
			return `is neither "true" nor "false"`
		}
	case "number":
		if !numberForm.MatchString(text) {
			return "is no decimal number"
		}
	case "binary":
		// Compared as text, so there must be one spelling only.
		if b, err := base64.StdEncoding.DecodeString(text); err != nil || base64.StdEncoding.EncodeToString(b) != text {
			return "is not base64"
		}
	case "arn":
		if text != "*" && !strings.HasPrefix(text, "arn:") {
			return "is no ARN"
		}
	case "address":
		_, prefixError := netip.ParsePrefix(text)
		address, addressError := netip.ParseAddr(text)
		if prefixError != nil && (addressError != nil || address.Zone() != "") {
			return "is no IP address or CIDR block"
		}
	case "date":
		return dateProblem(text)
	}
	return ""
}

func dateProblem(text string) string {
	if numberForm.MatchString(text) {
		return ""
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		at, err := time.Parse(form, text)
		if err != nil || !dateForm.MatchString(text) {
			continue
		}
		if at.Year() < 1678 || at.Year() > 2261 { // nanoseconds since 1970 in 64 bits
			return "is out of range; write a year from 1678 to 2261"
		}
		return ""
	}
	return "is no date; write 2026-01-31T00:00:00Z"
}
