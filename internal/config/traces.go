package config

import (
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"
)

// Traces is where the spans of calls are sent.
type Traces struct {
	// Endpoint is the whole URL of a collector's OTLP over HTTP; empty sends nothing.
	Endpoint string `yaml:"endpoint"`
	// HeadersFile has headers for it, such as a token, one "Name: value" a line.
	HeadersFile string `yaml:"headers_file"`
	// SamplePercent is how many of the calls that begin a trace are followed.
	SamplePercent int `yaml:"sample_percent"`
}

func (c *Config) completeTraces() {
	if c.Traces.Endpoint != "" {
		setDefault(&c.Traces.SamplePercent, 100)
	}
}

func (c *Config) validateTraces(fail func(path, format string, args ...any)) {
	t := c.Traces
	if t.Endpoint == "" {
		if t != (Traces{}) {
			fail("traces", "traces needs endpoint, the URL of a collector, such as http://127.0.0.1:4318/v1/traces")
		}
		return
	}
	u, err := url.Parse(t.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Fragment != "":
		fail("traces.endpoint", "traces.endpoint must be an http or https URL without user information, such as http://127.0.0.1:4318/v1/traces")
	case u.Path == "" || u.Path == "/":
		fail("traces.endpoint", "traces.endpoint must be the whole URL, with its path: most collectors have /v1/traces")
	case t.HeadersFile != "" && !c.tracesAreSafe():
		fail("traces.endpoint", "traces.endpoint must be https, or http on loopback, where traces.headers_file is sent to it")
	}
	if t.SamplePercent < 1 || t.SamplePercent > 100 {
		fail("traces.sample_percent", "traces.sample_percent must be between 1 and 100")
	}
}

// tracesAreSafe reports whether nobody on the way to the collector can read along.
func (c *Config) tracesAreSafe() bool {
	u, err := url.Parse(c.Traces.Endpoint)
	return err == nil && (u.Scheme == "https" || isLoopback(u.Hostname()))
}

// ReadHeaders reads a file of headers, one "Name: value" a line. Its error does not
// show what is in the file.
func ReadHeaders(file string) (http.Header, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: read headers: %w", ErrConfig, err)
	}
	header := http.Header{}
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || value == "" || !isHeaderName(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, fmt.Errorf("%w: %s: line %d must be Name: value, in visible characters", ErrConfig, file, i+1)
		}
		header.Add(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	return header, nil
}

// isHeaderName: a token. Source: RFC 9110, 5.6.2.
func isHeaderName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}
