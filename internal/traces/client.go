package traces

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// client speaks OTLP over HTTP, in protobuf. A batch that is not taken is not
// sent again: the audit log is what must be whole.
// Source: OpenTelemetry Protocol 1.9, OTLP/HTTP.
type client struct {
	endpoint string
	header   http.Header
	http     *http.Client
}

var _ otlptrace.Client = (*client)(nil)

func newClient(endpoint string, header http.Header) *client {
	// No redirect leads away with the header.
	return &client{endpoint: endpoint, header: header, http: &http.Client{Timeout: exportTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (c *client) Start(context.Context) error { return nil }

func (c *client) Stop(context.Context) error { return nil }

// UploadTraces sends spans. Its error shows nothing of the endpoint but its host.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// On the wire the same as an ExportTraceServiceRequest, whose package links gRPC in.
	b, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("export traces: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(b))
	if err != nil {
		return errors.New("export traces: the endpoint is no URL")
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", service)
	answer, err := c.http.Do(r)
	if err != nil {
		if failed := new(url.Error); errors.As(err, &failed) {
			err = failed.Err // without the URL
		}
		return fmt.Errorf("export traces to %s: %w", r.URL.Host, err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection is kept
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("export traces to %s: it answered %s", r.URL.Host, answer.Status)
	}
	return nil
}
