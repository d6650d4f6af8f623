package grant

import (
	"context"
	"errors"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The classes of what a request to STS comes to.
const (
	ClassOK          = "ok"
	ClassDenied      = "denied"      // by a policy
	ClassThrottled   = "throttled"   //
	ClassCredentials = "credentials" // the proxy's own are not there or not taken
	ClassTimeout     = "timeout"     // or given up on
	ClassUnreachable = "unreachable" //
	ClassServer      = "server"      // STS failed
	ClassRequest     = "request"     // STS refuses what was asked
)

// Class names what a request to STS came to, in one of a few words that hold
// nothing of the request.
func Class(err error) string {
	if err == nil {
		return ClassOK
	}
	var api smithy.APIError
	unsent := new(smithyhttp.RequestSendError)
	switch {
	case ownFailure(err) != "":
		return ClassCredentials
	case errors.As(err, &api):
		return classOfCode(api.ErrorCode(), statusOf(err))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return ClassTimeout
	case errors.As(err, &unsent):
		return ClassUnreachable
	case statusOf(err) >= 500:
		return ClassServer
	case statusOf(err) != 0:
		return ClassRequest
	}
	return ClassCredentials
}

func classOfCode(code string, status int) string {
	switch code {
	case "AccessDenied", "AccessDeniedException":
		return ClassDenied
	case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown":
		return ClassThrottled
	case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
		"SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "AuthFailure":
		return ClassCredentials
	}
	if status >= 500 {
		return ClassServer
	}
	return ClassRequest
}
