package remote

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// post sends one message and passes on what answers it.
func (s *Server) post(m *wire.Message) {
	if err := s.exchange(m); err != nil && m.Kind == wire.Request && s.ctx.Err() == nil {
		s.sayFailed(m, err.Error())
	}
}

// sayFailed answers a request in the place of the server.
func (s *Server) sayFailed(m *wire.Message, why string) {
	line := wire.ErrorResponse(m.ID, codeInternal, Prefix+why, nil)
	answer, err := wire.ReadServer(line, s.limits)
	s.say(line, answer, err)
}

func (s *Server) exchange(m *wire.Message) error {
	ctx, end := s.under(m)
	defer end()
	r, err := s.request(ctx, http.MethodPost, m.Raw)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	s.modern(r, m)
	switch {
	case m.Kind != wire.Request:
	case ctx.Err() != nil:
		return errCancelled // and not sent
	default:
		s.begins(m.ID)
	}
	response, err := s.do(r, m.Raw)
	if err != nil {
		op := new(net.OpError)
		unsigned := errors.Is(err, ErrUnsigned)
		if unsigned || errors.As(err, &op) && op.Op == "dial" {
			s.ends(m.ID) // it was not sent
		}
		if ctx.Err() != nil {
			return errCancelled
		}
		if unsigned {
			return err
		}
		return fmt.Errorf("%w; the call may have taken effect", ErrUnreachable) // the error names the URL and nothing more
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotFound && m.Version == "" && s.inSession():
		s.ends(m.ID)
		if m.Kind == wire.Request {
			s.sayFailed(m, ErrUnreachable.Error()+": it has forgotten the session, so the request was not performed; try again")
		}
		s.Kill() // the session is forgotten: begin anew
		return fmt.Errorf("%w: it has forgotten the session", ErrUnreachable)
	case m.Kind != wire.Request && response.StatusCode < 300:
		if m.Method == "notifications/initialized" {
			s.greeted()
		}
		return nil
	}
	answered, err := s.take(response, m)
	if answered {
		return nil
	}
	lost := "; the call may have taken effect"
	if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); err == nil && media != "text/event-stream" &&
		response.StatusCode != http.StatusAccepted && response.StatusCode != http.StatusBadGateway && response.StatusCode != http.StatusGatewayTimeout {
		s.ends(m.ID) // what it answered is no message, and is all there will be; 202 says that more is done
		lost = ""
	}
	switch {
	case ctx.Err() != nil:
		return errCancelled
	case err != nil:
		return fmt.Errorf("%w%s", err, lost)
	}
	if err := s.forbidden(response); err != nil {
		return err
	}
	return fmt.Errorf("%w: it answered with status %d and no message%s", ErrUnreachable, response.StatusCode, lost)
}

// take passes on the messages of a response. It says whether the request's own
// answer was among them.
func (s *Server) take(response *http.Response, m *wire.Message) (answered bool, err error) {
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		return false, nil
	}
	each := func(line []byte) {
		a, err := wire.ReadServer(line, s.limits)
		if err == nil && a.Kind == wire.Response && a.ID.Key() == m.ID.Key() {
			answered = true
			s.ends(m.ID)
			if m.Method == "initialize" {
				s.begin(response, a)
			}
		}
		if err == nil {
			a.About = m.ID
		}
		s.say(line, a, err)
	}
	switch media {
	case "text/event-stream":
		err = s.events(response.Body, each)
	case "application/json":
		b, failed := io.ReadAll(io.LimitReader(response.Body, int64(s.bytes())+1))
		switch {
		case failed != nil:
			return false, fmt.Errorf("%w: its answer broke off", ErrUnreachable) // the error names addresses
		case len(b) > s.bytes():
		case response.StatusCode < 300:
			each(oneLine(b))
		default:
			// An error: its id may be null, so it is only passed on if it answers.
			if a, failed := wire.ReadServer(oneLine(b), s.limits); failed == nil && a.Kind == wire.Response && a.ID.Key() == m.ID.Key() {
				each(oneLine(b))
			}
		}
	}
	return answered, err
}
