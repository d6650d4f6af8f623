package fakeaws

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// An operator is one of IAM's condition operators without prefix and suffix.
// Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
type operator struct {
	// negated: true when no value of the policy matches, and on an absent key.
	negated bool
	// textual operators take policy variables; wild ones take "*" and "?".
	textual, wild bool
	// match compares a textual operator's filled pattern with a request's value.
	match func(atoms []atom, have string) bool
	// compare compares any other operator's value with a request's value; a
	// value that cannot be read does not match.
	compare func(want, have string) bool
	// check refuses a value that the operator could never compare.
	check func(want string) error
}

const nullOperator = "null"

// operators by lower-case name: IAM ignores the case of operator names.
var operators = operatorTable()

func operatorTable() map[string]operator {
	exact := func(atoms []atom, have string) bool { return globs(atoms, []rune(have)) }
	folded := func(atoms []atom, have string) bool {
		var want strings.Builder
		for _, a := range atoms {
			want.WriteRune(a.char)
		}
		return strings.EqualFold(want.String(), have)
	}
	arn := func(atoms []atom, have string) bool { return isARN(have) && matchARN(atoms, have) }
	table := map[string]operator{
		nullOperator:                {check: checkBool},
		"bool":                      {check: checkBool, compare: strings.EqualFold},
		"binaryequals":              {check: checkBinary, compare: func(w, h string) bool { return w == h }},
		"ipaddress":                 {check: checkIP, compare: containsIP},
		"notipaddress":              {check: checkIP, compare: containsIP, negated: true},
		"stringequals":              {textual: true, match: exact},
		"stringnotequals":           {textual: true, match: exact, negated: true},
		"stringequalsignorecase":    {textual: true, match: folded},
		"stringnotequalsignorecase": {textual: true, match: folded, negated: true},
		"stringlike":                {textual: true, wild: true, match: exact},
		"stringnotlike":             {textual: true, wild: true, match: exact, negated: true},
		"arnequals":                 {textual: true, wild: true, match: arn},
		"arnlike":                   {textual: true, wild: true, match: arn},
		"arnnotequals":              {textual: true, wild: true, match: arn, negated: true},
		"arnnotlike":                {textual: true, wild: true, match: arn, negated: true},
	}
	for name, holds := range orders {
		negated := name == "notequals"
		table["numeric"+name] = operator{negated: negated, check: checkNumber, compare: compareNumbers(holds)}
		table["date"+name] = operator{negated: negated, check: checkDate, compare: compareDates(holds)}
	}
	return table
}

// orders says which results of comparing the request's value with the policy's
// satisfy the name. NotEquals is the negation of Equals.
var orders = map[string]func(int) bool{
	"equals":            func(c int) bool { return c == 0 },
	"notequals":         func(c int) bool { return c == 0 },
	"lessthan":          func(c int) bool { return c < 0 },
	"lessthanequals":    func(c int) bool { return c <= 0 },
	"greaterthan":       func(c int) bool { return c > 0 },
	"greaterthanequals": func(c int) bool { return c >= 0 },
}

func checkBool(s string) error {
	if strings.EqualFold(s, "true") || strings.EqualFold(s, "false") {
		return nil
	}
	return fmt.Errorf("%q is neither true nor false", s)
}

func checkBinary(s string) error {
	if _, err := base64.StdEncoding.DecodeString(s); err != nil {
		return fmt.Errorf("%q is not base64", s)
	}
	return nil
}

func checkIP(s string) error {
	_, err := parsePrefix(s)
	return err
}

// parsePrefix reads a CIDR block; a bare address is a block of one.
func parsePrefix(s string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(s); err == nil && address.Zone() == "" {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an IP address or CIDR block", s)
	}
	return prefix.Masked(), nil
}

func containsIP(want, have string) bool {
	prefix, err := parsePrefix(want)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(have)
	return err == nil && prefix.Contains(address.Unmap())
}

// Decimal, without exponent: an exponent would let eight characters ask for
// gigabytes of digits.
var decimal = regexp.MustCompile(`^[+-]?[0-9]{1,40}(\.[0-9]{1,40})?$`)

func parseNumber(s string) (*big.Rat, error) {
	if decimal.MatchString(s) {
		if n, ok := new(big.Rat).SetString(s); ok {
			return n, nil
		}
	}
	return nil, fmt.Errorf("%q is not a decimal number", s)
}

func checkNumber(s string) error {
	_, err := parseNumber(s)
	return err
}

func compareNumbers(holds func(int) bool) func(want, have string) bool {
	return func(want, have string) bool {
		w, errWant := parseNumber(want)
		h, errHave := parseNumber(have)
		return errWant == nil && errHave == nil && holds(h.Cmp(w))
	}
}

// parseDate reads ISO 8601 in the profiles that IAM names, or epoch seconds.
func parseDate(s string) (time.Time, error) {
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(seconds, 0), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New(strconv.Quote(s) + " is not an ISO 8601 date or epoch seconds")
}

func checkDate(s string) error {
	_, err := parseDate(s)
	return err
}

func compareDates(holds func(int) bool) func(want, have string) bool {
	return func(want, have string) bool {
		w, errWant := parseDate(want)
		h, errHave := parseDate(have)
		return errWant == nil && errHave == nil && holds(h.Compare(w))
	}
}
