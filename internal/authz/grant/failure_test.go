package grant

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// planted stands for what an answer of AWS can quote and nobody may read.
const planted = "CANARY-SESSION-TOKEN"

func TestEachErrorOfSTSSaysWhatToFix(t *testing.T) {
	tests := []struct {
		name, code, message string
		status              int
		want                string
		asked               int // requests
	}{
		{"the packed limit", "PackedPolicyTooLarge", "Packed policy consumes 157% of allotted space, please use smaller policy.", 400, "take 157% of AWS's packed limit; ask for less in one call, or give the persona fewer session_tags", 1},
		{"the packed limit without a figure", "PackedPolicyTooLarge", "", 400, "AWS does not say by how much; ask for fewer resources", 1},
		{"a region that is switched off", "RegionDisabledException", "STS is not activated in this region for account:123456789012.", 403, "STS is switched off in us-east-1 for the account; switch it on in the IAM console", 1},
		{"expired base credentials", "ExpiredToken", "The security token included in the request is expired", 403, "the proxy's own credentials have expired; renew them", 1},
		{"the same, spelt otherwise", "ExpiredTokenException", "", 400, "the proxy's own credentials have expired; renew them", 1},
		{"base credentials that are unknown", "InvalidClientTokenId", "The security token included in the request is invalid.", 403, "does not know the access key of the proxy's own credentials", 1},
		{"the same, spelt otherwise", "UnrecognizedClientException", "", 403, "does not know the access key of the proxy's own credentials", 1},
		{"a wrong secret", "SignatureDoesNotMatch", "The request signature we calculated does not match. The Canonical String should have been 'x-amz-security-token:" + planted + "'", 403, "the secret access key is not the one of the access key", 1},
		{"a clock that is off", "SignatureDoesNotMatch", "Signature expired: 20261124T100000Z is now earlier than 20261124T115000Z (20261124T115500Z - 5 min.)", 403, "this machine's clock is off by more than AWS takes (5 minutes); set it", 1},
		{"a clock that is ahead", "SignatureDoesNotMatch", "Signature not yet current: 20261124T100000Z is still later than …", 403, "clock is off", 1},
		{"a request that is too old", "RequestExpired", "", 400, "clock is off", 1},
		{"a policy that AWS cannot read", "MalformedPolicyDocument", planted, 400, "a guardrail's session_deny may hold what IAM does not know", 1},
		{"an external id outside STS's letters", "ValidationError", "1 validation error detected: Value '" + planted + "' at 'externalId' failed to satisfy constraint: …", 400, "STS does not take the value of externalId; check the persona's external_id", 1},
		{"a tag outside STS's letters", "ValidationError", "1 validation error detected: Value '" + planted + "' at 'tags.3.member.value' failed to satisfy constraint: …", 400, "value of tags.3.member.value; check the persona's session_tags", 1},
		{"a session name of ours", "ValidationError", "Value 'x' at 'roleSessionName' failed to satisfy constraint", 400, "that is a fault of the proxy", 1},
		{"a role for less time", "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.", 400, "does not lend the role for 15m0s", 1},
		{"another value", "ValidationError", planted, 400, "check the persona's role, external_id and session_tags", 1},
		{"a transitive tag of the base", "InvalidParameterValue", "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.", 400, "take it out of the persona's session_tags", 1},
		{"an error nobody has heard of", "Odd<b>Error", planted, 418, "STS refused with OddbError, request ", 1},
		{"throttling", "Throttling", "Rate exceeded", 400, "STS throttles this account in us-east-1 (asked 5 times); wait", 5},
		{"a service that is down", "ServiceUnavailable", planted, 503, "STS failed with ServiceUnavailable (asked 5 times); try again later", 5},
		{"a denial without words", "AccessDenied", planted, 403, "must both allow sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b, _, role := account(t, mayAssume)
			a.Fail("sts:AssumeRole", -1, fakeaws.Failure{Code: tt.code, Message: tt.message, Status: tt.status})
			g, err := b.Mint(t.Context(), order(role))
			if g != nil || !errors.Is(err, ErrCredentials) && !errors.Is(err, ErrPolicySize) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("grant %v, error %v, want one that says %q", g, err, tt.want)
			}
			if strings.Contains(err.Error(), planted) || strings.Contains(err.Error(), "\n") {
				t.Errorf("it quotes AWS: %v", err)
			}
			if n := len(a.Requests()); n != tt.asked {
				t.Errorf("STS was asked %d times, want %d", n, tt.asked)
			}
		})
	}
}

// The wordings are AWS's. Source: IAM User Guide, "Troubleshoot access denied
// error messages", and what STS was seen to answer.
func TestADenialSaysWhichPolicyLacksWhat(t *testing.T) {
	const user = "arn:aws:iam::123456789012:user/proxy"
	tests := []struct{ name, action, rest, want string }{
		{"the identity policy", "sts:AssumeRole", " on resource: ROLE because no identity-based policy allows the sts:AssumeRole action", "no identity-based policy of " + user + " allows sts:AssumeRole; allow it there, on the role"},
		{"the trust policy", "sts:AssumeRole", " because no role trust policy allows the sts:AssumeRole action", "the role's trust policy does not let " + user + " do sts:AssumeRole; allow it there; if it does, check that the role is there and that the external_id"},
		{"the trust policy, by its other name", "sts:TagSession", " on resource: ROLE because no resource-based policy allows the sts:TagSession action", "the role's trust policy does not let " + user + " do sts:TagSession; allow it there"},
		{"AWS does not say which", "sts:TagSession", " on resource: ROLE", "AWS denies sts:TagSession to " + user + " and does not say by which policy; allow it both in the identity policy of that identity, on the role, and in the role's trust policy"},
		{"a source identity that may not be set, or is set", "sts:SetSourceIdentity", " on resource: ROLE", "set aws.source_identity to inherit"},
		{"a reason of another kind", "sts:TagSession", " on resource: ROLE for it is Tuesday", "does not say by which policy"},
		{"a Deny of the organisation", "sts:AssumeRole", " on resource: ROLE with an explicit deny in a service control policy", "a Deny in the service control policy forbids sts:AssumeRole to " + user + "; lift it there"},
		{"a Deny, and which one", "sts:AssumeRole", " on resource: ROLE with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/x", "a Deny in the identity-based policy forbids"},
		{"a Deny of the trust policy", "sts:AssumeRole", " with an explicit deny in the role trust policy", "a Deny in the role trust policy forbids"},
		{"a boundary", "sts:SetSourceIdentity", " on resource: ROLE because no permissions boundary allows the sts:SetSourceIdentity action", "no permissions boundary of " + user + " allows sts:SetSourceIdentity; allow it there"},
		{"the way to STS", "sts:AssumeRole", " on resource: ROLE because no VPC endpoint policy allows the sts:AssumeRole action", "no VPC endpoint policy of"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			role := "arn:aws:iam::210987654321:role/mcp"
			message := "User: " + user + " is not authorized to perform: " + tt.action + strings.ReplaceAll(tt.rest, "ROLE", role)
			if got := denied(message, Order{Role: role}); !strings.Contains(got, tt.want) {
				t.Errorf("%s\nbecomes %s\nwithout %s", message, got, tt.want)
			}
		})
	}
}

func TestWhatTheRolesTrustPolicyLacksIsNamed(t *testing.T) {
	for _, action := range []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"} {
		for _, side := range []string{"identity", "trust"} {
			t.Run(action+" by the "+side+" policy", func(t *testing.T) {
				identity, untrusted := mayAssume, []string(nil)
				if side == "identity" {
					identity = strings.Replace(mayAssume, `"`+action+`"`, `"sts:GetCallerIdentity"`, 1)
				} else {
					untrusted = []string{action}
				}
				a, b, _, _ := account(t, identity)
				role, err := a.AddRole(fakeaws.Role{Name: "other", Identity: []string{mayAssume}, Untrusted: untrusted})
				if err != nil {
					t.Fatal(err)
				}
				_, err = b.Mint(t.Context(), order(role))
				if !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), action) || side == "identity" && !strings.Contains(err.Error(), "no identity-based policy") {
					t.Errorf("err = %v", err)
				}
				if n := len(a.Requests()); n != 1 {
					t.Errorf("%d requests: a denial is final", n)
				}
			})
		}
	}
}

// A profile whose own role cannot be assumed must not be told as the persona's.
func TestBaseCredentialsThatCannotBeFetchedAreToldApart(t *testing.T) {
	a, _, config, role := account(t, mayAssume)
	own := config
	own.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(config), "arn:aws:iam::123456789012:role/gone"))
	_, err := NewBroker(sts.NewFromConfig(own)).Mint(t.Context(), order(role))
	if !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "the proxy's own credentials could not be fetched (STS AssumeRole: AccessDenied)") {
		t.Errorf("err = %v", err)
	}
	if len(a.Sessions()) != 0 {
		t.Error("a session was minted")
	}
}

// Fault table: base role revoked. Nothing else that would work is tried.
func TestRevokedBaseCredentialsAreFinal(t *testing.T) {
	admin := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	a, _, config, role := account(t, mayAssume)
	working, err := a.AddUser("admin", admin)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", working.ID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", working.Secret)
	config.Credentials = credentials.NewStaticCredentialsProvider("AKIAREVOKEDREVOKED12", "secret", "")
	_, err = NewBroker(sts.NewFromConfig(config)).Mint(t.Context(), order(role))
	if !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "does not know the access key") {
		t.Errorf("err = %v", err)
	}
	for _, r := range a.Requests() {
		if r.AccessKeyID == working.ID {
			t.Errorf("the environment's key signed %s", r.Action)
		}
	}
}

func FuzzFailure(f *testing.F) {
	f.Add("AccessDenied", "User: arn:aws:iam::123456789012:user/p is not authorized to perform: sts:TagSession on resource: x because no role trust policy allows the y")
	f.Add("PackedPolicyTooLarge", "Packed policy consumes 999999% of")
	f.Add("ValidationError", "at 'tags.1.member.key' failed")
	f.Fuzz(func(t *testing.T, code, message string) {
		err := failure(&apiError{code, message}, Order{Role: "r", Items: make([]Item, 3)}, 1)
		if !errors.Is(err, ErrCredentials) && !errors.Is(err, ErrPolicySize) || len(err.Error()) > 1500 || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%q", err)
		}
	})
}

type apiError struct{ code, message string }

func (e *apiError) Error() string                 { return e.code }
func (e *apiError) ErrorCode() string             { return e.code }
func (e *apiError) ErrorMessage() string          { return e.message }
func (e *apiError) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }
