package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// stsRecent is how long a success of STS's stands for the next one, and how
// often it is asked at most for no other reason than to know.
const stsRecent = time.Minute

// stsWatch sees how each request to STS goes, whoever makes it.
type stsWatch struct {
	client  *sts.Client
	counted atomic.Pointer[func(operation, class string)] // of each attempt

	mu      sync.Mutex
	success time.Time // of the last

	asking sync.Mutex
	asked  time.Time // by check
	answer error
}

// add has the watch see every attempt of a client's requests.
func (s *stsWatch) add(stack *middleware.Stack) error {
	// Within the retries, so that each attempt is seen as what it came to.
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("ecs-mcp-proxy:watch",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleFinalize(ctx, in)
			class := grant.Class(err)
			if errors.As(err, new(*smithy.OperationError)) { // of another: it was to fetch the proxy's own credentials
				class = grant.ClassCredentials
			}
			s.saw(middleware.GetOperationName(ctx), class)
			return out, metadata, err
		}), "Retry", middleware.After)
}

// observe has every further attempt counted.
func (s *stsWatch) observe(counted func(operation, class string)) { s.counted.Store(&counted) }

func (s *stsWatch) saw(operation, class string) {
	if counted := s.counted.Load(); counted != nil {
		(*counted)(operation, class)
	}
	if class == grant.ClassOK {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.success = time.Now()
	}
}

// check says whether STS lends: it has just done so, or it answers who the proxy is.
func (s *stsWatch) check(ctx context.Context) error {
	if s.succeeded() {
		return nil
	}
	s.asking.Lock()
	defer s.asking.Unlock()
	if s.asked.IsZero() || time.Since(s.asked) >= stsRecent {
		_, err := s.client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.Options) { o.RetryMaxAttempts = 1 })
		s.asked, s.answer = time.Now(), nil
		if class := grant.Class(err); class != grant.ClassOK {
			s.answer = errors.New(stsTrouble[class])
		}
	}
	return s.answer
}

func (s *stsWatch) succeeded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.success.IsZero() && time.Since(s.success) < stsRecent
}

var stsTrouble = map[string]string{
	grant.ClassDenied:      "it denies sts:GetCallerIdentity; look for a Deny in the policies of the proxy's own identity",
	grant.ClassThrottled:   "it throttles this account",
	grant.ClassCredentials: "the proxy's own AWS credentials are not there, or are not accepted; " + grant.BaseHint,
	grant.ClassTimeout:     "no answer in time",
	grant.ClassUnreachable: "it cannot be reached; check the network, the region and the endpoint",
	grant.ClassServer:      "it fails; try again later",
	grant.ClassRequest:     "it refuses the request; check aws.region and aws.endpoint",
}
