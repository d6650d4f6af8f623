package mcp

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// Bounds of what is read of one error text, and of what is kept of an answer.
const (
	maxErrorText = 8 << 10
	maxRefusals  = 8
)

// How AWS's errors reach the text of a server's error. Each has groups named
// code and, if it says one, operation.
var errorForms = []*regexp.Regexp{
	// botocore, exceptions.py: ClientError. The AWS CLI prints the same.
	regexp.MustCompile(`An error occurred \((?P<code>[A-Za-z0-9.]{1,80})\) when calling the (?P<operation>[A-Za-z0-9]{1,80}) operation`),
	// smithy-go, errors.go: OperationError around a GenericAPIError.
	regexp.MustCompile(`operation error [A-Za-z0-9 ]{1,60}: (?P<operation>[A-Za-z0-9]{1,80}), [^\n]{0,400}?api error (?P<code>[A-Za-z0-9.]{1,80}): `),
	// JavaScript: the error's name before its message.
	regexp.MustCompile(`\b(?P<code>AccessDenied|AccessDeniedException|UnauthorizedOperation|ExpiredToken|ExpiredTokenException|UnrecognizedClientException|InvalidClientTokenId): `),
	// botocore, exceptions.py: CredentialRetrievalError and NoCredentialsError.
	regexp.MustCompile(`Error when retrieving credentials from [A-Za-z0-9-]{1,80}`),
	regexp.MustCompile(`Unable to locate credentials`),
}

var sdkCodes = map[int]string{3: audit.CodeCredentialRetrieval, 4: audit.CodeNoCredentials}

// How AWS words who was refused what, and why.
// Source: IAM User Guide, "Troubleshoot access denied error messages".
var (
	sessionWords  = regexp.MustCompile(`:assumed-role/[\w+=,.@/-]{1,580}/([\w+=,.@-]{2,64})[^\w+=,.@-]`)
	actionWords   = regexp.MustCompile(`not authorized to perform: ([a-z0-9-]{1,60}:[A-Za-z0-9]{1,100})\b`)
	resourceWords = regexp.MustCompile(`on resource: ([!-~]{1,400})`)
	policyWords   = regexp.MustCompile(`(because no|with an explicit deny in an?) (identity-based policy|permissions boundary|session policy|resource-based policy|service control policy|resource control policy|VPC endpoint policy|role trust policy)`)
)

// hints are parts of the texts above, one at least of each.
var hints = []string{"An error occurred (", "api error ", "AccessDenied", "UnauthorizedOperation", "ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId",
	"retrieving credentials", "locate credentials"}

// awsRefusals finds AWS's refusals in the text of an error. Other errors of AWS
// are not refusals.
func awsRefusals(text string) (found []audit.AWSRefusal) {
	text = text[:min(len(text), maxErrorText)]
	for form, pattern := range errorForms {
		places := pattern.FindAllStringSubmatchIndex(text, maxRefusals)
		for i, place := range places {
			r := audit.AWSRefusal{Code: sdkCodes[form]}
			for group, name := range pattern.SubexpNames() {
				switch name {
				case "code":
					r.Code = text[place[2*group]:place[2*group+1]]
				case "operation":
					r.Operation = text[place[2*group]:place[2*group+1]]
				}
			}
			end := len(text)
			if i+1 < len(places) {
				end = places[i+1][0]
			}
			if r.IsDenial() {
				describeDenial(&r, text[place[1]:end])
			}
			if (r.IsDenial() || r.IsAboutCredentials()) && !slices.Contains(found, r) {
				found = append(found, r)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func describeDenial(r *audit.AWSRefusal, message string) {
	for pattern, to := range map[*regexp.Regexp]*string{sessionWords: &r.Session, actionWords: &r.Action, resourceWords: &r.Resource} {
		if m := pattern.FindStringSubmatch(message); m != nil {
			*to = m[1]
		}
	}
	if m := policyWords.FindStringSubmatch(message); m != nil {
		r.Explicit, r.Policy = strings.HasPrefix(m[1], "with"), m[2]
	}
}
