package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
)

// maxBody bounds what is read of a request or an answer.
const maxBody = 8 << 20

// Recorder is a reverse proxy in front of AWS that notes every request. A
// request is in the record before its answer reaches the caller, and one that
// cannot be read is refused: what is not recorded does not happen. It is safe
// for concurrent use.
type Recorder struct {
	proxy *httputil.ReverseProxy

	mu       sync.Mutex
	requests []Request
	refused  []error
}

// NewRecorder returns a Recorder in front of the AWS at target.
func NewRecorder(target *url.URL) *Recorder {
	rec := &Recorder{}
	rec.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			// Compressed answers could not be read; the transport undoes its own.
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: rec.note,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			rec.refuse(w, err)
		},
	}
	return rec
}

// noted is the key under which a request's own Request travels to its answer.
type noted struct{}

// ServeHTTP forwards one request.
func (rec *Recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		rec.refuse(w, err)
		return
	}
	request, err := readRequest(r.Header, body)
	if err != nil {
		rec.refuse(w, err)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), noted{}, request))
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec.proxy.ServeHTTP(w, r)
}

func (rec *Recorder) note(answer *http.Response) error {
	request, ok := answer.Request.Context().Value(noted{}).(Request)
	if !ok {
		return fmt.Errorf("note answer: its request is not known")
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(body))
	request.Status, request.Answer = answer.StatusCode, body
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.requests = append(rec.requests, request)
	return nil
}

func (rec *Recorder) refuse(w http.ResponseWriter, err error) {
	rec.mu.Lock()
	rec.refused = append(rec.refused, err)
	rec.mu.Unlock()
	http.Error(w, "e2e recorder: "+err.Error(), http.StatusNotImplemented)
}

// Mark returns a position in the record, for Since.
func (rec *Recorder) Mark() int {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return len(rec.requests)
}

// Since returns the requests noted after mark, in the order of their answers.
func (rec *Recorder) Since(mark int) []Request {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return slices.Clone(rec.requests[mark:])
}

// Refused returns why requests were not forwarded; none in a good run.
func (rec *Recorder) Refused() []error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return slices.Clone(rec.refused)
}
