package facts

import (
	"context"
	"errors"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Reason says why a look-up failed in AWS's own words, without the request.
func Reason(err error) string {
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode() + ": " + api.ErrorMessage()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "no answer from AWS in time"
	}
	if unsent := new(smithyhttp.RequestSendError); errors.As(err, &unsent) {
		return "AWS cannot be reached"
	}
	return "the proxy has no AWS credentials of its own, or may not assume facts.role"
}
