package iamtest

import (
	"encoding/json"
	"slices"
	"strings"
)

// condition adds one operator with one or two keys to the block.
func (d *drawing) condition(block map[string]any, denies, variables bool) {
	k := d.likelyKey()
	kind := k.kind
	if d.percent(10) {
		kind = "text"
	} else if d.can(Malformed) && d.percent(5) {
		kind = pick(d, kindNames...)
	}
	base := pick(d, kinds[kind].operators...)
	if d.percent(12) {
		base, kind = "Null", "null"
	}
	negated := strings.Contains(base, "Not")
	name := base
	if base != "Null" {
		if d.percent(20) || k.multi && d.percent(75) {
			name = pick(d, "ForAllValues:", "ForAnyValue:") + name
		}
		if d.percent(20) {
			name += "IfExists"
		}
	}
	if d.percent(8) {
		name = strings.ToLower(name)
	}
	for other := range block {
		if strings.EqualFold(other, name) {
			return // one operator in two spellings is one to IAM
		}
	}
	operands := map[string]any{}
	for range pick(d, 1, 1, 1, 2) {
		var values []any
		for range pick(d, 1, 1, 2, 3) {
			values = append(values, d.operand(k, kind, base, denies && negated, variables))
		}
		operands[d.spelling(k.name)] = d.list(values)
		other := d.likelyKey()
		if strings.EqualFold(other.name, k.name) || kind != "null" && other.kind != k.kind {
			break // an operator's keys are of a kind
		}
		k = other
	}
	block[name] = operands
}

// likelyKey draws a key, mostly one that the request has.
func (d *drawing) likelyKey() key {
	k := pick(d, keys...)
	for range 2 {
		for name := range d.request.Context {
			if strings.EqualFold(name, k.name) {
				return k
			}
		}
		k = pick(d, keys...)
	}
	return k
}

// operand draws a value of a policy for a key under an operator.
func (d *drawing) operand(k key, kind, base string, lostByVariable, variables bool) any {
	negated := strings.Contains(base, "Not")
	switch kind {
	case "null":
		return pick[any](d, "true", "false", "true", "false", true, false)
	case "text":
		return d.textOperand(k, base, negated, lostByVariable, variables)
	}
	text := d.word(slices.Concat(kinds[kind].values, kinds[kind].operands))
	switch kind {
	case "address":
		for !strings.Contains(text, "/") && negated && !d.can(BareExclusions) {
			text = d.word(kinds[kind].operands)
		}
	case "arn":
		if d.percent(20) {
			text = d.arnVariable(text, lostByVariable || negated && !d.can(LostVariables), variables)
		}
	case "number":
		if d.percent(25) && !strings.HasPrefix(text, "02") {
			return json.Number(text)
		}
	case "bool":
		if d.percent(30) {
			return strings.EqualFold(text, "true")
		}
	}
	return text
}

func (d *drawing) textOperand(k key, base string, negated, lostByVariable, variables bool) string {
	text := d.word(k.values())
	for strings.ContainsFunc(text, refused) || strings.Contains(text, "${") {
		text = d.word(k.values())
	}
	switch {
	case strings.Contains(base, "IgnoreCase") && d.percent(50):
		text = pick(d, strings.ToUpper(text), strings.ToLower(text))
	case strings.Contains(base, "Like") && text != "" && d.percent(50):
		runes := []rune(text)
		text = pick(d, "*", string(runes[:1])+"*", "*"+string(runes[len(runes)-1:]), "?"+string(runes[1:]), text+"*", text+"?")
	}
	if !d.percent(18) || !variables && !d.can(LiteralVariables) {
		return text
	}
	if strings.Contains(base, "Like") || d.can(EqualEscapes) {
		if d.percent(25) {
			return pick(d, "${*}", "pro${*}", "web${?}", "${$}", "${$}{x}", "a${*}*")
		}
	}
	variable := d.variable(lostByVariable || negated && !d.can(LostVariables))
	return pick(d, variable, variable, variable+text, text+variable)
}

// arnVariable puts a variable into an ARN.
func (d *drawing) arnVariable(arn string, settled, variables bool) string {
	if !variables && !d.can(LiteralVariables) {
		return arn
	}
	if d.can(SegmentVariables) && d.percent(30) {
		return "arn:aws:ecs:${aws:RequestedRegion, 'us-east-1'}:123456789012:cluster/shop"
	}
	return strings.Replace(arn, "shop", d.variable(settled), 1)
}

// refused: such a character has no place in a document.
func refused(r rune) bool { return r < ' ' || r == 0x7f || r >= 0xe000 && r <= 0xe002 }
