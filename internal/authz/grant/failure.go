package grant

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// failure turns what STS or the SDK answered into one sentence that says what
// to fix. It is of class ErrCredentials or ErrPolicySize.
//
// Neither the SDK's text nor AWS's message is repeated: the one can quote the
// request, the other the canonical request with the session token in it. Only
// words that a pattern picked out of a message are.
func failure(err error, o Order, attempts int) error {
	sentence := func(format string, args ...any) error {
		return fmt.Errorf("%w: assume role %s: %s", ErrCredentials, o.Role, fmt.Sprintf(format, args...))
	}
	if own := ownFailure(err); own != "" {
		return sentence("the proxy's own credentials could not be fetched (%s): they have run out or were never there; log in again where they come from, or %s", own, BaseHint)
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		unsent := new(smithyhttp.RequestSendError)
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			return sentence("no answer from STS in time%s", after(attempts))
		case errors.As(err, &unsent):
			return sentence("STS cannot be reached%s; check the network, the region and the endpoint", after(attempts))
		case statusOf(err) >= 500:
			return sentence("STS failed with HTTP status %d%s; try again later", statusOf(err), after(attempts))
		case statusOf(err) != 0:
			return sentence("STS answered HTTP status %d and nothing that can be read; check aws.endpoint and any proxy on the way", statusOf(err))
		}
		return sentence("the proxy has no AWS credentials of its own; %s", BaseHint)
	}
	switch code := api.ErrorCode(); code {
	case "AccessDenied", "AccessDeniedException":
		return sentence("%s", denied(api.ErrorMessage(), o))
	case "PackedPolicyTooLarge", "PackedPolicyTooLargeException":
		return packed(api.ErrorMessage(), o)
	case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown":
		return sentence("STS throttles this account in %s%s; wait, send fewer calls at once, or have the account's STS quota raised", o.Region, after(attempts))
	case "RegionDisabledException", "RegionDisabled":
		return sentence("STS is switched off in %s for the account; switch it on in the IAM console under Account settings, or set aws.region to one where it is on", o.Region)
	case "ExpiredToken", "ExpiredTokenException":
		return sentence("the proxy's own credentials have expired; renew them where they come from (such as aws sso login), and restart the proxy if they stand in its environment")
	case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId":
		return sentence("AWS does not know the access key of the proxy's own credentials: it was deleted or switched off, or belongs to another partition than aws.region %s; %s", o.Region, BaseHint)
	case "MissingAuthenticationToken", "MissingAuthenticationTokenException", "IncompleteSignature", "IncompleteSignatureException":
		return sentence("the request reached STS without a whole signature; check what changes requests between the proxy and STS")
	case "SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "AuthFailure":
		if clockIsOff.MatchString(api.ErrorMessage()) || code == "RequestExpired" || code == "RequestTimeTooSkewed" {
			return sentence("this machine's clock is off by more than AWS takes (5 minutes); set it, for example with NTP")
		}
		return sentence("the signature does not match: the secret access key is not the one of the access key, or something changes requests on the way; %s", BaseHint)
	case "MalformedPolicyDocument", "MalformedPolicyDocumentException":
		return sentence("AWS cannot read the session policy; a guardrail's session_deny may hold what IAM does not know, otherwise it is a fault of the proxy: ecs-mcp-proxy explain prints the policy")
	case "ValidationError", "ValidationException", "InvalidParameterValue":
		return sentence("%s", invalid(code, api.ErrorMessage()))
	default:
		if statusOf(err) >= 500 {
			return sentence("STS failed with %s%s; try again later", word(code), after(attempts))
		}
		return sentence("STS refused with %s%s", word(code), requestID(err))
	}
}

// ownFailure names the operation that failed if it was one to fetch the base
// credentials (of SSO, of a role in the profile, …), inside our AssumeRole.
func ownFailure(err error) string {
	outer := new(smithy.OperationError)
	if !errors.As(err, &outer) {
		return ""
	}
	inner := new(smithy.OperationError)
	if !errors.As(outer.Err, &inner) {
		return ""
	}
	text := word(inner.Service()) + " " + word(inner.Operation())
	var api smithy.APIError
	if errors.As(inner, &api) {
		text += ": " + word(api.ErrorCode())
	}
	return text
}

// deniedForm is AWS's wording of an access denied. The reason is not always
// there, nor is the resource. Source: IAM User Guide, "Troubleshoot access
// denied error messages".
var deniedForm = regexp.MustCompile(`^User: (arn:[\w:/+=,.@-]{1,300}) is not authorized to perform: (sts:\w{1,40})(?: on resource: \S{1,600})?(?: (because no|with an explicit deny in) (?:an? |the )?([a-zA-Z -]{1,60}?)(?: allows the .*|[:.].*)?| .*)?$`)

// denied says which policy lacks what, as far as AWS's message tells.
func denied(message string, o Order) string {
	m := deniedForm.FindStringSubmatch(strings.TrimSpace(message))
	if m == nil {
		return "access denied; the identity policy of the proxy's own identity and the role's trust policy must both allow sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity"
	}
	user, action, how, policy := m[1], m[2], m[3], m[4]
	trust := strings.Contains(policy, "trust policy") || strings.Contains(policy, "resource-based policy")
	advice := ""
	switch action {
	case "sts:AssumeRole":
		if trust || how == "" {
			advice = "; if it does, check that the role is there and that the external_id is the one it asks for"
		}
	case "sts:SetSourceIdentity":
		if how != "because no" || trust {
			advice = "; if the proxy's own session already has a source identity, which nobody can change, set aws.source_identity to inherit"
		}
	}
	switch {
	case how == "":
		return fmt.Sprintf("AWS denies %s to %s and does not say by which policy; allow it both in the identity policy of that identity, on the role, and in the role's trust policy%s", action, user, advice)
	case how == "because no" && trust:
		return fmt.Sprintf("the role's trust policy does not let %s do %s; allow it there%s", user, action, advice)
	case how == "because no":
		return fmt.Sprintf("no %s of %s allows %s; allow it there, on the role%s", policy, user, action, advice)
	}
	return fmt.Sprintf("a Deny in the %s forbids %s to %s; lift it there%s", policy, action, user, advice)
}

var packedForm = regexp.MustCompile(`consumes (\d{1,6})% of`)

// packed says how many accesses might fit. AWS does not publish how it packs,
// so that is an estimate; nothing is widened to make it true.
func packed(message string, o Order) error {
	n := len(o.Items)
	m := packedForm.FindStringSubmatch(message)
	if m == nil {
		return fmt.Errorf("%w: %d accesses with %d session tags are over AWS's packed limit, and AWS does not say by how much; ask for fewer resources in one call", ErrPolicySize, n, len(o.Tags))
	}
	percent, err := strconv.Atoi(m[1])
	if err != nil || percent <= 100 || n < 2 {
		return fmt.Errorf("%w: %d accesses with %d session tags take %s%% of AWS's packed limit; ask for less in one call, or give the persona fewer session_tags", ErrPolicySize, n, len(o.Tags), m[1])
	}
	return fmt.Errorf("%w: %d accesses with %d session tags take %d%% of AWS's packed limit; about %d may fit (an estimate: AWS does not say how it packs), so ask for fewer resources in one call",
		ErrPolicySize, n, len(o.Tags), percent, max(1, min(n-1, n*100/percent)))
}

var (
	clockIsOff     = regexp.MustCompile(`^Signature (expired|not yet current)`)
	parameterForm  = regexp.MustCompile(`at '([\w.]{1,60})' failed`)
	transitiveForm = regexp.MustCompile(`conflicts with a transitive tag key`)
	durationForm   = regexp.MustCompile(`MaxSessionDuration|role chaining`)
)

// invalid says which setting holds the value that STS does not take.
func invalid(code, message string) string {
	switch {
	case transitiveForm.MatchString(message):
		return "a session tag has the key of a transitive tag of the proxy's own session, which nobody can change; take it out of the persona's session_tags, or give the proxy credentials without it"
	case durationForm.MatchString(message):
		return fmt.Sprintf("STS does not lend the role for %s; that is less than any role may have, so check aws.endpoint", MinLife)
	}
	m := parameterForm.FindStringSubmatch(message)
	if m == nil {
		return "STS does not take a value of the request (" + code + "); check the persona's role, external_id and session_tags"
	}
	setting := "that is a fault of the proxy"
	for prefix, key := range map[string]string{"roleArn": "role", "externalId": "external_id", "tags": "session_tags", "transitiveTagKeys": "transitive"} {
		if strings.HasPrefix(m[1], prefix) {
			setting = "check the persona's " + key
		}
	}
	return fmt.Sprintf("STS does not take the value of %s; %s", m[1], setting)
}

// after says how often STS was asked, if more than once.
func after(attempts int) string {
	if attempts < 2 {
		return ""
	}
	return fmt.Sprintf(" (asked %d times)", attempts)
}

func statusOf(err error) int {
	response := new(smithyhttp.ResponseError)
	if !errors.As(err, &response) {
		return 0
	}
	return response.HTTPStatusCode()
}

// requestID is what AWS support and CloudTrail find a refusal by.
func requestID(err error) string {
	var response interface{ ServiceRequestID() string }
	if !errors.As(err, &response) || response.ServiceRequestID() == "" {
		return ""
	}
	return ", request " + word(response.ServiceRequestID())
}

// word bounds what an answer calls a code or a name.
func word(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._- ", r) {
			return r
		}
		return -1
	}, s)
	return clean[:min(len(clean), 64)]
}
