//go:build e2e

package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// understood is how a reader in another language takes a message.
type understood struct {
	Method    string
	ID        any
	Name      any
	Arguments any
}

// ask lets another language read lines, and returns its readings of each.
func ask(t *testing.T, stream []byte, command ...string) (all [][]understood) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin = bytes.NewReader(stream)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, &stderr)
	}
	for line := range strings.Lines(string(out)) {
		var readings []understood
		if err := json.Unmarshal([]byte(line), &readings); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, readings)
	}
	return all
}

var (
	python = []string{"python3", "testdata/reader.py"}
	node   = []string{"node", "testdata/reader.mjs"}
)

func TestPythonAndJavaScriptReadWhatWeRead(t *testing.T) {
	messages := acceptedMessages(t, 3000)
	var stream bytes.Buffer
	w := NewLineWriter(&stream)
	for _, m := range messages {
		if err := w.Write(m.Raw); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range [][]string{python, node} {
		all := ask(t, stream.Bytes(), command...)
		if len(all) != len(messages) {
			t.Fatalf("%s reads %d messages of %d", command[0], len(all), len(messages))
		}
		for i, m := range messages {
			want := understood{Method: m.Method, Name: m.Name}
			if err := json.Unmarshal(m.Arguments, &want.Arguments); err != nil {
				t.Fatal(err)
			}
			_ = json.Unmarshal(m.ID.Raw(), &want.ID)
			for _, got := range all[i] {
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s\n%s reads %+v\nwe read %+v", m.Raw, command[0], got, want)
				}
			}
		}
	}
}

// acceptedMessages generates calls and keeps those that are accepted.
func acceptedMessages(t *testing.T, count int) (messages []*Message) {
	generated := rapid.Custom(call)
	for seed := 0; len(messages) < count; seed++ {
		m, err := ReadClient([]byte(generated.Example(seed)), Limits{})
		if err == nil && m.Arguments != nil {
			messages = append(messages, m)
		}
	}
	return messages
}

// This is why a bare carriage return is refused: here it would have carried a
// tools/call past the judgement of a ping.
func TestPythonEndsLinesAtACarriageReturn(t *testing.T) {
	hidden := `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"evil"}}`
	line := []byte("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"x\":\r" + hidden + "\r}}")
	got, err := exec.Command("python3", "-c", "import sys\nfrom io import TextIOWrapper, BytesIO\nfor line in TextIOWrapper(BytesIO(bytes.fromhex(sys.argv[1])), encoding='utf-8'): print(line.strip())",
		hex.EncodeToString(line)).Output()
	if err != nil || !strings.Contains(string(got), "\n"+hidden+"\n") {
		t.Fatalf("Python reads %s, %v", got, err)
	}
	if m, err := ReadClient(line, Limits{}); err == nil {
		t.Errorf("accepted as %s", m.Method)
	}
}
