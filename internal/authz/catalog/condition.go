package catalog

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

const requestedRegion = "aws:RequestedRegion"

// omitted says in a catalogue that AWS does not carry a key.
const omitted = "omitted"

// filler fills one condition key of one access from the arguments.
type filler struct {
	key    string
	from   [][]string
	kind   *kind // values are resources of this kind
	partOf *kind // the resource of this kind that the accessed one is part of
	many   bool
	as     string
	absent string // "" for unknown, omitted, or the value AWS then sees
}

// fill adds the key to the access, as known or as unknown.
func (f *filler) fill(c *call, a *authz.Access, r *ref) error {
	if f.partOf != nil {
		arn, ok := c.partOf(f.partOf, r)
		f.set(a, arn, ok)
		return nil
	}
	var given []found
	for _, path := range f.from {
		given = append(given, c.args.find(path, c.at)...)
		if len(given) > 0 && !f.many {
			break
		}
	}
	if f.as == "tags" {
		return f.tags(a, given)
	}
	if len(given) == 0 {
		switch f.absent {
		case "":
			a.Unknown = append(a.Unknown, f.key)
		case omitted:
		default:
			a.Context[f.key] = authz.One(f.absent)
		}
		return nil
	}
	if f.kind == nil && !f.many {
		value, ok := f.convert(given)
		f.set(a, value, ok)
		return nil
	}
	var values []string
	for _, g := range given {
		value := g.text
		if f.kind != nil {
			one, err := resolve(c.env, []*kind{f.kind}, arnOrName, g.text, g.path, c.parts)
			if err != nil && (f.many || strings.HasPrefix(g.text, "arn:")) {
				return err
			}
			if err != nil || strings.HasSuffix(one.arn, "*") {
				a.Unknown = append(a.Unknown, f.key)
				return nil
			}
			value = one.arn
		}
		values = append(values, value)
	}
	if f.many {
		slices.Sort(values)
		a.Context[f.key] = authz.Many(slices.Compact(values)...)
		return nil
	}
	f.set(a, values[0], len(values) == 1)
	return nil
}

func (f *filler) set(a *authz.Access, value string, known bool) {
	if known {
		a.Context[f.key] = authz.One(value)
	} else {
		a.Unknown = append(a.Unknown, f.key)
	}
}

var (
	vCPU   = regexp.MustCompile(`(?i)\A([0-9]{1,4}(?:\.[0-9]{1,4})?) ?vcpu\z`)
	gigas  = regexp.MustCompile(`(?i)\A([0-9]{1,4}(?:\.[0-9]{1,4})?) ?gb\z`)
	digits = regexp.MustCompile(`\A[0-9]{1,9}\z`)
)

// convert turns what was given into the value that AWS compares; false if that
// cannot be told. Source: Amazon ECS developer guide, condition keys.
func (f *filler) convert(given []found) (string, bool) {
	v := given[0]
	switch f.as {
	case "given":
		return "true", true
	case "any":
		yes := slices.ContainsFunc(given, func(g found) bool { return g.kind == 't' })
		return strconv.FormatBool(yes), true
	case "enabled":
		return strconv.FormatBool(v.text == "ENABLED"), v.text == "ENABLED" || v.text == "DISABLED"
	case "cpu":
		return scaled(v.text, vCPU)
	case "memory":
		return scaled(v.text, gigas)
	}
	switch v.kind {
	case 't', 'f':
		return strconv.FormatBool(v.kind == 't'), true
	case '"', '0':
		return v.text, true
	}
	return "", false
}

// scaled reads "1024" or, with a unit, "1 vCPU" and "1 GB" as 1024.
func scaled(s string, unit *regexp.Regexp) (string, bool) {
	if digits.MatchString(s) {
		return s, true
	}
	m := unit.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	n, err := strconv.ParseFloat(m[1], 64)
	n *= 1024
	return strconv.Itoa(int(n)), err == nil && n == float64(int(n))
}

// tagText is what a tag's key or value is made of. Its length is counted apart:
// a counted repetition of Unicode classes takes 11 ms to compile at start.
// Source: Amazon ECS API reference, Tag.
var tagText = regexp.MustCompile(`\A[\p{L}\p{Z}\p{N}_.:/=+\-@]*\z`)

func isTagText(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return least <= n && n <= most && tagText.MatchString(s)
}

// maxTags is how many tags a resource may have.
// Source: Amazon ECS API reference, Tag.
const maxTags = 50

// tags puts every requested tag under its own key. Condition keys compare
// without case, so two tags that differ in case only would be one there.
func (f *filler) tags(a *authz.Access, given []found) error {
	if len(given) > maxTags {
		return refuse(given[0].path, "is one of %d tags; AWS takes at most %d", len(given), maxTags)
	}
	seen := map[string]bool{}
	for _, g := range given {
		key, value := g.get("key"), g.get("value")
		if key == nil || !isTagText(key.text, 1, 128) {
			return refuse(join(g.path, "key"), "must be 1 to 128 letters, digits, spaces or _.:/=+-@")
		}
		text := ""
		if value != nil {
			text = value.text
		}
		if !isTagText(text, 0, 256) {
			return refuse(join(g.path, "value"), "must be at most 256 letters, digits, spaces or _.:/=+-@")
		}
		if folded := strings.ToLower(strings.ToUpper(key.text)); seen[folded] {
			return refuse(join(g.path, "key"), "is there twice; tag keys must differ by more than case")
		} else {
			seen[folded] = true
		}
		a.Context[strings.TrimSuffix(f.key, "*")+key.text] = authz.One(text)
	}
	return nil
}
