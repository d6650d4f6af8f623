package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Request is one AWS API request as it came in, with AWS's answer to it.
type Request struct {
	Service     string // as signed: "ecs", "elasticloadbalancing"
	Operation   string // "DescribeServices"
	AccessKeyID string
	Region      string
	UserAgent   string
	// Parameters are the decoded body: the JSON object, or a query request's
	// form with one string for each name.
	Parameters map[string]any

	Status int
	Answer []byte
}

// Action returns the request's IAM action, "ecs:DescribeServices". For the
// services recorded here an operation and its main action have one name.
// Source: Service Authorization Reference, tables of ecs, sts, iam, ecr,
// cloudformation, logs, ec2 and elasticloadbalancing.
func (r Request) Action() string { return r.Service + ":" + r.Operation }

// String is what a failed test prints: no parameters, they can hold secrets.
func (r Request) String() string {
	return fmt.Sprintf("%s by %s in %s: %d", r.Action(), r.AccessKeyID, r.Region, r.Status)
}

// Parameter returns the named parameter as text; "" if it is absent.
func (r Request) Parameter(name string) string {
	v, ok := r.Parameters[name]
	if !ok {
		return ""
	}
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// credential is the scope of a Signature Version 4 header.
// Source: IAM User Guide, "Create a signed AWS API request".
var credential = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/,]+)/\d{8}/([^/,]*)/([^/,]+)/aws4_request,`)

// readRequest tells what an AWS request asks for. It knows the AWS JSON and the
// AWS query protocol, which are all that the recorded services use; a request
// of another protocol is an error, so that it cannot pass unseen.
func readRequest(h http.Header, body []byte) (Request, error) {
	r := Request{UserAgent: h.Get("User-Agent")}
	m := credential.FindStringSubmatch(h.Get("Authorization"))
	if m == nil {
		return r, fmt.Errorf("read request: not signed with Signature Version 4")
	}
	r.AccessKeyID, r.Region, r.Service = m[1], m[2], m[3]
	if target := h.Get("X-Amz-Target"); target != "" {
		_, r.Operation, _ = strings.Cut(target, ".")
		if err := json.Unmarshal(body, &r.Parameters); err != nil {
			return r, fmt.Errorf("read %s: %w", target, err)
		}
	} else if err := r.readForm(body); err != nil {
		return r, err
	}
	if r.Operation == "" {
		return r, fmt.Errorf("read request: %s request names no operation", r.Service)
	}
	return r, nil
}

func (r *Request) readForm(body []byte) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return fmt.Errorf("read %s form: %w", r.Service, err)
	}
	r.Operation = form.Get("Action")
	r.Parameters = make(map[string]any, len(form))
	for name := range form {
		r.Parameters[name] = form.Get(name)
	}
	return nil
}
