package facts

import (
	"context"
	"errors"

	"github.com/aws/smithy-go"
)

// reason says why a look-up failed in AWS's own words, without the request.
func reason(err error) string {
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode() + ": " + api.ErrorMessage()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "no answer from AWS in time"
	}
	return "AWS cannot be reached or the proxy has no AWS credentials of its own"
}
