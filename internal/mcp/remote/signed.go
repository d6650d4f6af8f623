package remote

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

var (
	// ErrUnsigned is the class of a request that could not be signed, and was not sent.
	ErrUnsigned = errors.New("the request was not sent")
	// ErrForbidden is the class of a signed request that the server did not accept.
	ErrForbidden = errors.New("AWS did not accept the request")
)

// do sends a request, signed if the server wants it.
func (s *Server) do(r *http.Request, body []byte) (*http.Response, error) {
	if s.sign != nil {
		if err := s.sign(r.Context(), r, body); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnsigned, err)
		}
	}
	return s.client.Do(r)
}

// maxSkew is how far the date of a signature may be off.
// Source: IAM user guide, "Troubleshoot Signature Version 4 requests".
const maxSkew = 5 * time.Minute

// forbidden says in the operator's words why a signed request was not accepted;
// nil for any other answer. What the server wrote is not repeated: it may name
// sessions and resources.
func (s *Server) forbidden(response *http.Response) error {
	if s.sign == nil || response.StatusCode != http.StatusForbidden && response.StatusCode != http.StatusUnauthorized {
		return nil
	}
	if theirs, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		if off := time.Until(theirs).Round(time.Second); off.Abs() > maxSkew {
			return fmt.Errorf("%w (status %d): its clock and this machine's are %s apart, and a signature counts for 5 minutes; set the clock", ErrForbidden, response.StatusCode, off.Abs())
		}
	}
	return fmt.Errorf("%w (status %d): its credentials have ended, or what they may do at AWS, the role's own policies among it, does not cover the use of the server", ErrForbidden, response.StatusCode)
}
