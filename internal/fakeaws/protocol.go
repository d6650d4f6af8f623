package fakeaws

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
)

// A protocol is how a service writes requests and answers. The zero value is
// neither: a REST protocol, of which nothing is implemented.
type protocol int

const (
	unknownProtocol protocol = iota
	jsonProtocol             // AWS JSON 1.0 and 1.1: X-Amz-Target and a JSON body
	queryProtocol            // AWS query: a form with Action, answered in XML
)

// maxBody is how large a request may be.
const maxBody = 1 << 20

// A message is a request as far as its protocol says.
type message struct {
	protocol  protocol
	operation string // "DeleteService"; of a REST request, method and path
	target    string // X-Amz-Target's prefix, AWS JSON only
	body      []byte
	form      url.Values // query protocol only
}

// readMessage reads a request. It returns what could be read even with a fault,
// so that the fault can be answered in the right protocol.
func readMessage(r *http.Request) (message, *fault) {
	m := message{operation: r.Method + " " + r.URL.Path}
	targets := r.Header.Values("X-Amz-Target")
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case len(targets) > 0:
		m.protocol = jsonProtocol
	case media == "application/x-www-form-urlencoded":
		m.protocol = queryProtocol
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return m, newFault("RequestEntityTooLargeException", "the request is larger than 1 MiB or was cut off")
	}
	m.body = body
	if r.Method != http.MethodPost {
		m.protocol = unknownProtocol
		return m, nil
	}
	switch m.protocol {
	case jsonProtocol:
		if len(targets) > 1 || !strings.HasPrefix(media, "application/x-amz-json-1.") {
			return m, serialization("exactly one X-Amz-Target and an application/x-amz-json-1.x body are needed")
		}
		prefix, operation, ok := strings.Cut(targets[0], ".")
		if !ok || !isName(operation) {
			return m, unknownOperation("without a name")
		}
		m.target, m.operation = prefix, operation
	case queryProtocol:
		if m.form, err = parseForm(string(body)); err != nil {
			return m, serialization(err.Error())
		}
		if m.operation = m.form.Get("Action"); !isName(m.operation) {
			return m, unknownOperation("without a name")
		}
	}
	return m, nil
}

// parseForm reads a form in which every name stands once: AWS's lists have
// numbered names.
func parseForm(body string) (url.Values, error) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return nil, errors.New("the form cannot be read")
	}
	for _, values := range form {
		if len(values) != 1 {
			return nil, errors.New("the form has a parameter twice")
		}
	}
	return form, nil
}

// isName reports whether s could be the name of an operation.
func isName(s string) bool {
	for _, char := range s {
		if (char < 'a' || char > 'z') && (char < 'A' || char > 'Z') && (char < '0' || char > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// params returns the parameters for the record, without secrets.
func (m message) params() json.RawMessage {
	var v any
	switch m.protocol {
	case queryProtocol:
		flat := map[string]any{}
		for name, values := range m.form {
			flat[name] = values[0]
		}
		v = flat
	case jsonProtocol:
		if jsonv2.Unmarshal(m.body, &v) != nil {
			return nil
		}
	}
	if v == nil {
		return nil
	}
	b, err := json.Marshal(withoutSecrets(v))
	if err != nil {
		return nil
	}
	return b
}

// render marshals a result for the protocol: XML for query, else JSON.
func (m message) render(result any) []byte {
	marshal := json.Marshal
	if m.protocol == queryProtocol {
		marshal = xml.Marshal
	}
	b, err := marshal(result)
	if err != nil {
		panic(err) // our own types only
	}
	return b
}

// answer writes a rendered result, or a fault if there is one.
func (m message) answer(w http.ResponseWriter, requestID string, body []byte, f *fault) {
	status, contentType := http.StatusOK, "application/x-amz-json-1.1"
	if m.protocol == queryProtocol {
		contentType = "text/xml"
	}
	switch {
	case f != nil && m.protocol == queryProtocol:
		status, body = f.status, m.render(xmlFault(f, requestID))
	case f != nil:
		status, body = http.StatusBadRequest, m.render(map[string]string{"__type": f.code, "message": f.message})
	}
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(body) // the client is gone
}

type errorResponse struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func xmlFault(f *fault, requestID string) errorResponse {
	return errorResponse{Type: "Sender", Code: f.codeFor(queryProtocol), Message: f.message, RequestID: requestID}
}
