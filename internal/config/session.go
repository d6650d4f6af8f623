package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// SessionTags are put on every session that calls of a persona are lent.
type SessionTags struct {
	// Pass names the tags of the principal that are passed on; others never are.
	Pass []string `yaml:"pass"`
	// Set gives tags a value, whoever calls.
	Set map[string]string `yaml:"set"`
}

// Where the source identity of sessions comes from.
const (
	SourcePrincipal = "principal" // who calls
	SourceInherit   = "inherit"   // that of the proxy's own session, which AWS lets nobody change
)

// OwnTags are the session tags that the proxy sets itself.
var OwnTags = []string{"persona", "server", "tool"}

// Source: STS API reference, AssumeRole and Tag; 50 tags in all.
const maxTags = 50

var (
	externalIDForm = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
	tagKeyForm     = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`)
	tagValueForm   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// validateSession checks what is sent with AssumeRole, so that STS does not
// refuse every call later.
func (p Persona) validateSession(path string, fail func(path, format string, args ...any)) {
	if p.ExternalID != "" && (len(p.ExternalID) > 1224 || !externalIDForm.MatchString(p.ExternalID)) {
		fail(path+".external_id", "%s.external_id must be 2 to 1224 of the characters A-Z a-z 0-9 _ + = , . @ : / -", path)
	}
	set := slices.Sorted(maps.Keys(p.SessionTags.Set))
	seen := map[string]bool{}
	for _, key := range OwnTags {
		seen[key] = true
	}
	for i, key := range slices.Concat(p.SessionTags.Pass, set) {
		where := fmt.Sprintf("%s.session_tags.pass[%d]", path, i)
		if i >= len(p.SessionTags.Pass) {
			where = path + ".session_tags.set." + key
		}
		folded := strings.ToLower(key)
		switch {
		case utf8.RuneCountInString(key) > 128 || !tagKeyForm.MatchString(key):
			fail(where, "%s.session_tags: %q is no tag key: 1 to 128 letters, digits, spaces and _ . : / = + - @", path, key)
		case strings.HasPrefix(folded, "aws:"):
			fail(where, "%s.session_tags: %s: keys that begin with aws: are AWS's own", path, key)
		case slices.Contains(OwnTags, folded):
			fail(where, "%s.session_tags: %s: the proxy itself sets %s, and AWS compares keys without case", path, key, strings.Join(OwnTags, ", "))
		case seen[folded]:
			fail(where, "%s.session_tags: %s is there twice; AWS compares keys without case", path, key)
		}
		seen[folded] = true
	}
	for _, key := range set {
		if value := p.SessionTags.Set[key]; utf8.RuneCountInString(value) > 256 || !tagValueForm.MatchString(value) {
			fail(path+".session_tags.set."+key, "%s.session_tags.set.%s must be at most 256 letters, digits, spaces and _ . : / = + - @", path, key)
		}
	}
	if n := len(p.SessionTags.Pass) + len(set); n > maxTags-len(OwnTags) {
		fail(path+".session_tags", "%s.session_tags has %d tags; AWS takes %d beside the proxy's own", path, n, maxTags-len(OwnTags))
	}
	for i, key := range p.Transitive {
		where := fmt.Sprintf("%s.transitive[%d]", path, i)
		_, isSet := p.SessionTags.Set[key]
		switch {
		case slices.Contains(p.Transitive[:i], key):
			fail(where, "%s.transitive: %s is there twice", path, key)
		case !isSet && !slices.Contains(p.SessionTags.Pass, key) && !slices.Contains(OwnTags, key):
			fail(where, "%s.transitive: %s is no session tag; name one of session_tags, or %s", path, key, strings.Join(OwnTags, ", "))
		}
	}
}
