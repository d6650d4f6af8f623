package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// reading is what a reader makes of a message, as far as it is judged.
type reading struct {
	Method    string `json:"method"`
	Name      any    `json:"name"`
	Arguments any    `json:"arguments"`
}

// oneReading reports where another reader would take an accepted message of a
// client for something else; nil if nobody would. It shares no code with the
// reader: all of it is encoding/json and the decoder of the MCP SDK.
func oneReading(m *Message) error {
	if bytes.ContainsAny(m.Raw, "\r\n") {
		return fmt.Errorf("more than one line")
	}
	if err := uniqueKeys(m.Raw); err != nil {
		return err
	}
	want := reading{Method: m.Method}
	if m.Method == "tools/call" || m.Method == "prompts/get" {
		want.Name = m.Name
		if m.Arguments != nil {
			if err := json.Unmarshal(m.Arguments, &want.Arguments); err != nil {
				return fmt.Errorf("arguments: %w", err)
			}
		}
	}
	for name, read := range map[string]func([]byte) (reading, error){"map": readAsMap, "struct": readAsStruct} {
		got, err := read(m.Raw)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if want.Name == nil {
			got.Name, got.Arguments = nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%s reads %+v, we read %+v", name, got, want)
		}
	}
	if err := sdkAgrees(m); err != nil {
		return err
	}
	return integersSurvive(m.Arguments)
}

func readAsMap(raw []byte) (r reading, _ error) {
	var envelope map[string]json.RawMessage
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return r, err
	}
	if method, ok := envelope["method"]; ok {
		if err := json.Unmarshal(method, &r.Method); err != nil {
			return r, err
		}
	}
	var params map[string]json.RawMessage
	if err := json.Unmarshal(envelope["params"], &params); err != nil || params["name"] == nil {
		return r, nil
	}
	if err := json.Unmarshal(params["name"], &r.Name); err != nil {
		r.Name = nil
	}
	if arguments, ok := params["arguments"]; ok {
		return r, ignoreOverflow(json.Unmarshal(arguments, &r.Arguments))
	}
	return r, nil
}

// readAsStruct reads as encoding/json does with struct tags: without case.
func readAsStruct(raw []byte) (r reading, _ error) {
	var envelope struct {
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return r, err
	}
	r.Method = envelope.Method
	var params struct {
		Name      any             `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	if err := json.Unmarshal(envelope.Params, &params); err != nil || params.Name == nil {
		return r, nil
	}
	r.Name = params.Name
	if params.Arguments != nil {
		return r, ignoreOverflow(json.Unmarshal(params.Arguments, &r.Arguments))
	}
	return r, nil
}

// ignoreOverflow: arguments that are not judged may hold any number.
func ignoreOverflow(err error) error {
	if _, ok := err.(*json.UnmarshalTypeError); ok {
		return nil
	}
	return err
}

// sdkAgrees compares with the decoder that servers written in Go use. What it
// refuses it does not misread.
func sdkAgrees(m *Message) error {
	decoded, err := jsonrpc.DecodeMessage(m.Raw)
	if err != nil {
		return nil
	}
	request, isRequest := decoded.(*jsonrpc.Request)
	if isRequest != (m.Kind == Request || m.Kind == Notification) {
		return fmt.Errorf("the SDK reads another kind: %T", decoded)
	}
	if isRequest && (request.Method != m.Method || !bytes.Equal(bytes.TrimSpace(request.Params), m.Params)) {
		return fmt.Errorf("the SDK reads %s %s", request.Method, request.Params)
	}
	return nil
}

// uniqueKeys finds keys that occur twice or hold control characters, by the
// tokens of encoding/json.
func uniqueKeys(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var open []map[string]bool // nil for an array
	key := false
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'):
			open, key = append(open, map[string]bool{}), true
			continue
		case json.Delim('['):
			open, key = append(open, nil), false
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		default:
			if key {
				name := token.(string)
				if open[len(open)-1][name] || strings.ContainsFunc(name, unicode.IsControl) {
					return fmt.Errorf("the key %q passed", name)
				}
				open[len(open)-1][name], key = true, false
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

// integersSurvive: an integer in arguments is the same as a float64 and as an
// integer of any size.
func integersSurvive(arguments []byte) error {
	d := json.NewDecoder(bytes.NewReader(arguments))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return nil
		}
		number, ok := token.(json.Number)
		if !ok {
			continue
		}
		f, err := number.Float64()
		if err != nil {
			return fmt.Errorf("the number %s overflows", number)
		}
		if i, err := number.Int64(); err == nil && (int64(f) != i || fmt.Sprintf("%.0f", f) != fmt.Sprint(i)) {
			return fmt.Errorf("the integer %s is read as %f", number, f)
		}
	}
}
