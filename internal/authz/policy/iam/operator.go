package iam

import (
	"fmt"
	"math"
	"math/big"
	"net"
	"regexp"
	"strings"
	"time"
)

// operator is how a condition compares.
type operator struct {
	meets    test
	negated  bool
	set      setOperator
	ifExists bool
}

// test compares one value of the request with one of the policy.
type test func(value, pattern string) (bool, error)

type setOperator int

const (
	noSet setOperator = iota
	forAllValues
	forAnyValue
)

// operators are the condition operators by their folded names.
// Source: IAM user guide, "IAM JSON policy elements: Condition operators".
var operators = map[string]operator{
	"stringequals":              {meets: equal},
	"stringnotequals":           {meets: equal, negated: true},
	"stringequalsignorecase":    {meets: equalFolded},
	"stringnotequalsignorecase": {meets: equalFolded, negated: true},
	"stringlike":                {meets: like},
	"stringnotlike":             {meets: like, negated: true},
	"arnequals":                 {meets: arn},
	"arnlike":                   {meets: arn},
	"arnnotequals":              {meets: arn, negated: true},
	"arnnotlike":                {meets: arn, negated: true},
	"bool":                      {meets: equalFolded},
	"binaryequals":              {meets: equal},
	"ipaddress":                 {meets: address},
	"notipaddress":              {meets: address, negated: true},
	"numericequals":             {meets: ordered(number, func(c int) bool { return c == 0 })},
	"numericnotequals":          {meets: ordered(number, func(c int) bool { return c == 0 }), negated: true},
	"numericlessthan":           {meets: ordered(number, func(c int) bool { return c < 0 })},
	"numericlessthanequals":     {meets: ordered(number, func(c int) bool { return c <= 0 })},
	"numericgreaterthan":        {meets: ordered(number, func(c int) bool { return c > 0 })},
	"numericgreaterthanequals":  {meets: ordered(number, func(c int) bool { return c >= 0 })},
	"dateequals":                {meets: ordered(instant, func(c int) bool { return c == 0 })},
	"datenotequals":             {meets: ordered(instant, func(c int) bool { return c == 0 }), negated: true},
	"datelessthan":              {meets: ordered(instant, func(c int) bool { return c < 0 })},
	"datelessthanequals":        {meets: ordered(instant, func(c int) bool { return c <= 0 })},
	"dategreaterthan":           {meets: ordered(instant, func(c int) bool { return c > 0 })},
	"dategreaterthanequals":     {meets: ordered(instant, func(c int) bool { return c >= 0 })},
}

// parseOperator reads a name such as "ForAnyValue:StringLikeIfExists"; names
// compare without case. It does not know Null, which compares nothing.
func parseOperator(name string) (operator, error) {
	bare, set := strings.ToLower(name), noSet
	if rest, ok := strings.CutPrefix(bare, "forallvalues:"); ok {
		bare, set = rest, forAllValues
	} else if rest, ok := strings.CutPrefix(bare, "foranyvalue:"); ok {
		bare, set = rest, forAnyValue
	}
	base, ifExists := strings.CutSuffix(bare, "ifexists")
	op, ok := operators[base]
	if !ok {
		return operator{}, fmt.Errorf("%q is no condition operator", name)
	}
	op.set, op.ifExists = set, ifExists
	return op, nil
}

func equal(value, pattern string) (bool, error) { return value == unmark(pattern), nil }

func equalFolded(value, pattern string) (bool, error) {
	return strings.ToLower(value) == strings.ToLower(unmark(pattern)), nil
}

func like(value, pattern string) (bool, error) { return globMatches(pattern, value), nil }

func arn(value, pattern string) (bool, error) { return arnMatches(pattern, value), nil }

// address: the value, an address or a block, lies within the pattern's block.
func address(value, pattern string) (bool, error) {
	_, within, err := net.ParseCIDR(network(unmark(pattern)))
	if err != nil {
		return false, nil
	}
	_, block, err := net.ParseCIDR(network(value))
	if err != nil {
		return false, nil
	}
	if ip := net.ParseIP(value); ip != nil {
		return within.Contains(ip), nil
	}
	first, last := block.IP, make(net.IP, len(block.IP))
	for i := range last {
		last[i] = first[i] | ^block.Mask[i]
	}
	return within.Contains(first) && within.Contains(last), nil
}

// network returns a CIDR block; a bare address is a block of one.
func network(text string) string {
	switch {
	case strings.Contains(text, "/"):
		return text
	case strings.Contains(text, ":"):
		return text + "/128"
	}
	return text + "/32"
}

// ordered makes a test of how two values of a kind compare; a text that is not
// of the kind meets nothing.
func ordered(read func(string) (*big.Rat, error), holds func(int) bool) test {
	return func(value, pattern string) (bool, error) {
		have, err := read(value)
		if err != nil || have == nil {
			return false, err
		}
		want, err := read(unmark(pattern))
		if err != nil || want == nil {
			return false, err
		}
		return holds(have.Cmp(want)), nil
	}
}

// maxDigits bounds what is read as a number: no context key has more.
const maxDigits = 300

var numberForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// number returns nil unless the whole text is one decimal number.
func number(text string) (*big.Rat, error) {
	if len(text) > maxDigits && numberForm.MatchString(text) {
		return nil, fmt.Errorf("evaluate condition: a number of %d digits", len(text))
	}
	if !numberForm.MatchString(text) {
		return nil, nil
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("evaluate condition: %q is no number", text)
	}
	return n, nil
}

var (
	timeForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,}(Z|[+-][0-9]{2}:[0-9]{2})$`)
	dayForm  = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
)

// instant returns seconds since 1970, from ISO 8601 or from epoch seconds; nil if
// the text has neither form. A text in the form that names no instant is an error.
func instant(text string) (*big.Rat, error) {
	if n, err := number(text); n != nil || err != nil {
		return n, err
	}
	if dayForm.MatchString(text) {
		text += "T00:00:00Z"
	} else if !timeForm.MatchString(text) {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fmt.Errorf("evaluate condition: %w", err)
	}
	// What Rego can count in nanoseconds.
	if t.Before(time.Unix(0, math.MinInt64)) || t.After(time.Unix(0, math.MaxInt64)) {
		return nil, fmt.Errorf("evaluate condition: %q is out of range", text)
	}
	return big.NewRat(t.UnixNano(), int64(time.Second)), nil
}
