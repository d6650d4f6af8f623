package fakeaws

import (
	"fmt"
	"net/http"
)

// A fault is an error as AWS answers it. AWS spells some codes differently in
// its two protocols.
type fault struct {
	code    string // in AWS JSON, and in the query protocol if query is empty
	query   string
	status  int // in the query protocol; AWS JSON answers 400
	message string
}

func (f *fault) codeFor(p protocol) string {
	if p == queryProtocol && f.query != "" {
		return f.query
	}
	return f.code
}

func newFault(code, format string, arguments ...any) *fault {
	return &fault{code: code, status: http.StatusBadRequest, message: fmt.Sprintf(format, arguments...)}
}

// Source of the codes: "Common Error Types" of the STS and ECS API references,
// and the services' answers.
func missingToken() *fault {
	return &fault{"MissingAuthenticationTokenException", "MissingAuthenticationToken", http.StatusForbidden,
		"Request is missing Authentication Token"}
}

func incompleteSignature(why string) *fault {
	return &fault{"IncompleteSignatureException", "IncompleteSignature", http.StatusBadRequest, why}
}

func invalidToken() *fault {
	return &fault{"UnrecognizedClientException", "InvalidClientTokenId", http.StatusForbidden,
		"The security token included in the request is invalid."}
}

func expiredToken() *fault {
	return &fault{"ExpiredTokenException", "ExpiredToken", http.StatusForbidden,
		"The security token included in the request is expired"}
}

func badSignature(why string) *fault {
	return &fault{"InvalidSignatureException", "SignatureDoesNotMatch", http.StatusForbidden, why}
}

func unknownOperation(what string) *fault {
	return &fault{"UnknownOperationException", "InvalidAction", http.StatusBadRequest,
		"Could not find operation " + what}
}

func serialization(why string) *fault {
	return &fault{"SerializationException", "MalformedQueryString", http.StatusBadRequest, why}
}

// validation is STS's answer to a parameter outside its constraints.
func validation(parameter, constraint string) *fault {
	return newFault("ValidationError",
		"1 validation error detected: Value at '%s' failed to satisfy constraint: %s", parameter, constraint)
}

func invalidParameter(format string, arguments ...any) *fault {
	return newFault("InvalidParameterException", format, arguments...)
}

func clientFault(format string, arguments ...any) *fault {
	return newFault("ClientException", format, arguments...)
}

func clusterNotFound() *fault { return newFault("ClusterNotFoundException", "Cluster not found.") }
func serviceNotFound() *fault { return newFault("ServiceNotFoundException", "Service not found.") }

// Source: IAM User Guide, "Troubleshoot access denied error messages".
var (
	implicitReason = [...]string{
		identityLayer: "because no identity-based policy allows the %s action",
		boundaryLayer: "because no permissions boundary allows the %s action",
		sessionLayer:  "because no session policy allows the %s action",
	}
	explicitReason = [...]string{
		identityLayer: "with an explicit deny in an identity-based policy",
		boundaryLayer: "with an explicit deny in a permissions boundary",
		sessionLayer:  "with an explicit deny in a session policy",
	}
)

func accessDenied(user, action, resource, reason string) *fault {
	return &fault{"AccessDeniedException", "AccessDenied", http.StatusForbidden,
		fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", user, action, resource, reason)}
}

// deniedBy is the access-denied answer for a verdict.
func deniedBy(v verdict, user string, q question) *fault {
	reason := explicitReason[v.layer]
	if !v.explicit {
		reason = fmt.Sprintf(implicitReason[v.layer], q.action)
	}
	return accessDenied(user, q.action, q.resource, reason)
}
