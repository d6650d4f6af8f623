package wire

import (
	"bytes"
	"encoding/json"
)

// Limits bound one message. A field that is not positive means its default.
type Limits struct {
	Bytes int // of the whole message; default 16 MiB, which is what the ends of stdio accept
	Depth int // of nested objects and arrays; default 128
}

const (
	defaultBytes = 16 << 20
	defaultDepth = 128
)

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Depth <= 0 {
		l.Depth = defaultDepth
	}
	return l
}

// Kind tells the three kinds of message apart. The zero value is none of them.
type Kind int

// The kinds of message. Source: JSON-RPC 2.0 sections 4 and 5.
const (
	Invalid Kind = iota
	Request
	Notification
	Response
)

// Message is one message, read once. Its byte slices share memory with Raw.
type Message struct {
	Raw    []byte // the line without its line break; what is forwarded
	Kind   Kind
	ID     ID // zero in a notification, and in an error response whose id is null or absent
	Method string

	Params, Result, Error json.RawMessage // nil when absent

	// Name is params.name of tools/call and prompts/get, params.uri of
	// resources/read, resources/subscribe and resources/unsubscribe, and params.taskId
	// of what is about one task.
	Name string
	// Resources are the URIs that subscriptions/listen wants to be told of. Tasks are
	// the ids of tasks likewise, and of the one that a client says its message belongs to.
	Resources, Tasks []string
	// Arguments is params.arguments of tools/call and prompts/get: an object, or nil when absent.
	Arguments json.RawMessage
	HasTask   bool // params.task is present
	// Meta is params._meta of a client: an object, or nil when absent.
	Meta      json.RawMessage
	HasCursor bool // params.cursor is present: not the first page is asked for
	// ProgressToken is params._meta.progressToken, in notifications/progress
	// params.progressToken: a string or a number, or nil when absent.
	ProgressToken json.RawMessage
	RequestID     ID // params.requestId of notifications/cancelled
	// ModernVersion: params._meta carries a protocol version for this message
	// alone (MCP 2026-07-28), so its result must carry a resultType.
	ModernVersion bool
	// Version is that version; empty if there is none, or it is no string.
	Version string
	// Capabilities are what the client says it can do: params.capabilities of
	// initialize, else what params._meta has of them (MCP 2026-07-28); nil when absent.
	Capabilities json.RawMessage
	// InputResponses and RequestState are params' members of these names: what a
	// request that is made again brings of its round before; nil when absent.
	InputResponses, RequestState json.RawMessage
	// SubscriptionID is the id of the request that subscribed to a notification.
	SubscriptionID ID
	// About is the request that a server's message belongs to although it does not
	// say so, if it is known from the way that it came; zero if not.
	About ID
	// Traceparent is params._meta.traceparent as it came; empty if there is none,
	// or it is too long to be one. Source: MCP, SEP-414.
	Traceparent string

	toolError        bool
	task, resultType json.RawMessage // members of result; nil when absent
}

// IsToolError reports whether m is a response whose result says isError: true.
func (m *Message) IsToolError() bool { return m.toolError }

// Offset returns where part begins in m.Raw. The part must be one of m's own
// slices (Params, Result, Error, Arguments, ProgressToken, or Raw of an id).
func (m *Message) Offset(part []byte) int {
	// Slices that share an array end at the same capacity.
	return cap(m.Raw) - cap(part)
}

// Splice returns a copy of raw in which the bytes from start to end are replaced.
func Splice(raw []byte, start, end int, replacement []byte) []byte {
	out := make([]byte, 0, len(raw)-(end-start)+len(replacement))
	out = append(out, raw[:start]...)
	out = append(out, replacement...)
	return append(out, raw[end:]...)
}

// ReadClient reads one message of a client. The error is an [*Error].
//
// Beyond JSON it refuses: duplicate keys at any depth, control characters in
// keys, keys that differ from a known key of the envelope or of params only by
// case or folding, unknown keys in the envelope, line breaks, batches, numbers
// in params.arguments that not every reader keeps exactly, and a method whose
// subject (params.name, params.uri, params.taskId) is missing.
// Sources: GHSA-wvj2-96wp-fq3f, GHSA-q382-vc8q-7jhj, JSON-RPC 2.0, MCP.
func ReadClient(line []byte, l Limits) (*Message, error) { return read(line, l, true) }

// ReadServer reads one message of a server. What is not a JSON object at all
// is [ErrNoise]; every other error is an [*Error].
//
// The envelope is read as strictly as a client's, but unknown keys are
// tolerated there; params, result and error are free, except that they must be
// UTF-8 JSON without duplicate keys, within the limits and on one line.
func ReadServer(line []byte, l Limits) (*Message, error) {
	if head := bytes.TrimLeft(line, " \t"); len(head) == 0 || head[0] != '{' {
		return nil, ErrNoise
	}
	return read(line, l, false)
}
