package audit

import "slices"

// AWSRefusal is an answer of AWS that refused a request of the server, as the
// server's own answer to a call reports it: the server's word, not AWS's. Its
// texts are bounded and without spaces and control characters.
type AWSRefusal struct {
	Code      string `json:"code"`
	Operation string `json:"operation,omitempty"` // of the API: "DescribeClusters"
	Action    string `json:"action,omitempty"`    // of IAM: "ecs:DescribeClusters"
	Resource  string `json:"resource,omitempty"`
	Session   string `json:"session,omitempty"` // name of the role session that was refused
	// Policy is the kind of policy that did not allow it, in AWS's words, such as
	// "session policy"; Explicit says that a statement of it denied.
	// Source: IAM User Guide, "Troubleshoot access denied error messages".
	Policy   string `json:"policy,omitempty"`
	Explicit bool   `json:"explicit,omitempty"`
}

// Codes of the SDKs themselves, which have none for these.
const (
	CodeNoCredentials       = "NoCredentialsError"
	CodeCredentialRetrieval = "CredentialRetrievalError"
)

var (
	deniedCodes = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException"}
	// Source: "Common errors" of the AWS API references; botocore, exceptions.py.
	credentialCodes = []string{"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
		"RequestExpired", "AuthFailure", "MissingAuthenticationToken", "MissingAuthenticationTokenException", CodeNoCredentials, CodeCredentialRetrieval}
)

// IsDenial reports whether AWS knew who asked and did not allow it.
func (r AWSRefusal) IsDenial() bool { return slices.Contains(deniedCodes, r.Code) }

// IsAboutCredentials reports whether the credentials themselves were not
// accepted, or there were none.
func (r AWSRefusal) IsAboutCredentials() bool { return slices.Contains(credentialCodes, r.Code) }

// String is one line: what was refused, and by which kind of policy.
func (r AWSRefusal) String() string {
	what := r.Action
	if what == "" {
		what = r.Operation
	}
	if what == "" {
		what = "a request"
	}
	if r.Resource != "" {
		what += " on " + r.Resource
	}
	switch {
	case !r.IsDenial():
		return what + ": " + r.Code
	case r.Policy == "":
		return what + ": " + r.Code + ", without a reason"
	case r.Explicit:
		return what + ": explicitly denied in " + article(r.Policy)
	}
	return what + ": no " + r.Policy + " allows it"
}

func article(noun string) string {
	if noun[0] == 'i' {
		return "an " + noun
	}
	return "a " + noun
}
