package fakeaws

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type assumeRoleParameters struct {
	roleARN, sessionName, policy, externalID, sourceIdentity string
	duration                                                 time.Duration
	tags                                                     map[string]string
	transitive                                               []string
}

// The constraints of the STS API reference, AssumeRole and Tag.
const (
	maxSessionPolicy = 2048
	maxSessionTags   = 50
	maxExternalID    = 1224
	minDuration      = 15 * time.Minute
	maxDuration      = 12 * time.Hour
	defaultDuration  = time.Hour
)

var (
	identityPattern   = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalIDPattern = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
	policyPattern     = regexp.MustCompile(`^[\x{0009}\x{000A}\x{000D}\x{0020}-\x{00FF}]+$`)
	roleARNPattern    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}$`)
	tagKeyPattern     = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`)
	tagValuePattern   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	memberPattern     = regexp.MustCompile(`^(Tags\.member\.([1-9][0-9]?)\.(Key|Value)|TransitiveTagKeys\.member\.([1-9][0-9]?))$`)
)

// parseAssumeRole reads the parameters and refuses those outside AWS's
// constraints, and those that are not supported here.
func parseAssumeRole(form url.Values) (assumeRoleParameters, *fault) {
	p := assumeRoleParameters{duration: defaultDuration}
	for name, values := range form {
		v := values[0]
		switch name {
		case "Action":
		case "Version":
			if v != stsVersion {
				return p, unknownOperation("of version " + v)
			}
		case "RoleArn":
			p.roleARN = v
		case "RoleSessionName":
			p.sessionName = v
		case "Policy":
			if n := utf8.RuneCountInString(v); n > maxSessionPolicy {
				return p, validation("policy", fmt.Sprintf("Member must have length less than or equal to %d", maxSessionPolicy))
			}
			if !policyPattern.MatchString(v) {
				return p, validation("policy", `Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`)
			}
			p.policy = v
		case "ExternalId":
			if len(v) > maxExternalID || !externalIDPattern.MatchString(v) {
				return p, validation("externalId", `Member must satisfy regular expression pattern: [\w+=,.@:\/-]{2,1224}`)
			}
			p.externalID = v
		case "SourceIdentity":
			// The text aws: is reserved as a beginning; no colon is allowed at all.
			if !identityPattern.MatchString(v) {
				return p, validation("sourceIdentity", `Member must satisfy regular expression pattern: [\w+=,.@-]{2,64}`)
			}
			p.sourceIdentity = v
		case "DurationSeconds":
			seconds, err := strconv.ParseInt(v, 10, 32)
			p.duration = time.Duration(seconds) * time.Second
			if err != nil || p.duration < minDuration || p.duration > maxDuration {
				return p, validation("durationSeconds", "Member must have value between 900 and 43200")
			}
		default:
			if !memberPattern.MatchString(name) {
				return p, unknownParameter(name)
			}
		}
	}
	if !roleARNPattern.MatchString(p.roleARN) {
		return p, newFault("ValidationError", "%q is not a role's ARN", p.roleARN)
	}
	if !identityPattern.MatchString(p.sessionName) {
		return p, validation("roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]{2,64}`)
	}
	if f := p.readTags(form); f != nil {
		return p, f
	}
	return p, nil
}

func (p *assumeRoleParameters) readTags(form url.Values) *fault {
	p.tags = map[string]string{}
	read := 0
	for i := 1; ; i++ {
		name := fmt.Sprintf("Tags.member.%d.", i)
		key, hasKey := form[name+"Key"]
		v, hasValue := form[name+"Value"]
		if !hasKey && !hasValue {
			break
		}
		if !hasKey || !hasValue {
			return validation(strings.ToLower(name[:1])+name[1:]+"value", "Member must not be null")
		}
		if f := checkSessionTag(key[0], v[0]); f != nil {
			return f
		}
		for other := range p.tags {
			if strings.EqualFold(other, key[0]) {
				return newFault("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
			}
		}
		p.tags[key[0]] = v[0]
		read += 2
	}
	if len(p.tags) > maxSessionTags {
		return validation("tags", fmt.Sprintf("Member must have length less than or equal to %d", maxSessionTags))
	}
	for i := 1; ; i++ {
		key, ok := form[fmt.Sprintf("TransitiveTagKeys.member.%d", i)]
		if !ok {
			break
		}
		if _, ok := p.tags[key[0]]; !ok || slices.Contains(p.transitive, key[0]) {
			return newFault("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
		}
		p.transitive = append(p.transitive, key[0])
		read++
	}
	for name := range form {
		if memberPattern.MatchString(name) {
			read--
		}
	}
	if read != 0 {
		return serialization("the members of a list are not numbered from 1 without a gap")
	}
	return nil
}

func checkSessionTag(key, v string) *fault {
	switch {
	case utf8.RuneCountInString(key) > 128 || !tagKeyPattern.MatchString(key):
		return validation("tags.member.key", `Member must have length 1 to 128 and satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+`)
	case utf8.RuneCountInString(v) > 256 || !tagValuePattern.MatchString(v):
		return validation("tags.member.value", `Member must have length 0 to 256 and satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`)
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return newFault("InvalidParameterValue", "Tag keys beginning with aws: are reserved.")
	}
	return nil
}
