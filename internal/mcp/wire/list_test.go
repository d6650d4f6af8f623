package wire

import (
	"errors"
	"strings"
	"testing"
)

func mustReadServer(t testing.TB, line string) *Message {
	t.Helper()
	m, err := ReadServer([]byte(line), Limits{})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return m
}

const (
	toolA = `{"name":"a","inputSchema":{"maximum":9007199254740993,"Name":1},"x-odd": true}`
	toolB = `{ "title":"B", "n\u0061me":"\u0062" }`
	toolC = `{"annotations":{"name":"not this"},"name":"c"}`
	list  = ` {"jsonrpc":"2.0", "id" : 1e0, "result":{ "ttlMs":0,"tools" : [ ` + toolA + ` , ` + toolB + ",\t" + toolC + ` ], "nextCursor":"n" },"x":1}`
)

func TestToolListKeep(t *testing.T) {
	head, tail, _ := strings.Cut(list, "[ "+toolA+" , "+toolB+",\t"+toolC+" ]")
	for keep, want := range map[string]string{
		"abc": list, // not a byte changes
		"ac":  head + "[" + toolA + "," + toolC + "]" + tail,
		"b":   head + "[" + toolB + "]" + tail,
		"":    head + "[]" + tail,
	} {
		m := mustReadServer(t, list)
		tools, err := Tools(m)
		if err != nil {
			t.Fatal(err)
		}
		got := tools.Keep(func(name string) bool { return strings.Contains(keep, name) })
		if string(got) != want {
			t.Errorf("keep %q: got\n%s\nwant\n%s", keep, got, want)
		}
		if string(m.Raw) != list {
			t.Errorf("keep %q: the message itself changed", keep)
		}
	}
}

func TestToolsReadsNamesAndBytes(t *testing.T) {
	tools, err := Tools(mustReadServer(t, list))
	if err != nil || len(tools.Tools) != 3 {
		t.Fatalf("got %+v, %v", tools, err)
	}
	for i, want := range []struct{ name, raw string }{{"a", toolA}, {"b", toolB}, {"c", toolC}} {
		if got := tools.Tools[i]; got.Name != want.name || string(got.Raw) != want.raw {
			t.Errorf("tool %d is %s: %s", i, got.Name, got.Raw)
		}
	}
}

func TestEmptyToolListStaysAsItIs(t *testing.T) {
	line := `{"jsonrpc":"2.0","id":1,"result":{"tools":[ ]}}`
	tools, err := Tools(mustReadServer(t, line))
	if err != nil || string(tools.Keep(func(string) bool { return false })) != line {
		t.Errorf("got %+v, %v", tools, err)
	}
}

func TestToolsRefusesWhatHasNoOneReading(t *testing.T) {
	for name, line := range map[string]string{
		"an error":                    `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}`,
		"a request":                   `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`,
		"a result that is no object":  `{"jsonrpc":"2.0","id":1,"result":[]}`,
		"no tools":                    `{"jsonrpc":"2.0","id":1,"result":{}}`,
		"tools in another case":       `{"jsonrpc":"2.0","id":1,"result":{"tools":[],"Tools":[{"name":"a"}]}}`,
		"tools that are no array":     `{"jsonrpc":"2.0","id":1,"result":{"tools":{"a":{"name":"a"}}}}`,
		"tools that are null":         `{"jsonrpc":"2.0","id":1,"result":{"tools":null}}`,
		"a tool that is no object":    `{"jsonrpc":"2.0","id":1,"result":{"tools":["a"]}}`,
		"a tool without a name":       `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"title":"a"}]}}`,
		"a name that is no string":    `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":1}]}}`,
		"two tools with one name":     `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"},{"name":"\u0061"}]}}`,
		"a name in two spellings":     `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"safe","Name":"evil"}]}}`,
		"a name with a NUL behind it": `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"safe","name\u0000":"evil"}]}}`,
		"tools spelled with a long s": `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}],"tool\u017f":[]}}`,
	} {
		if tools, err := Tools(mustReadServer(t, line)); !errors.Is(err, ErrToolList) {
			t.Errorf("%s: got %+v, %v", name, tools, err)
		}
	}
}

func TestSplice(t *testing.T) {
	raw := []byte("abcdef")
	for _, c := range []struct {
		start, end int
		with, want string
	}{{1, 3, "XYZ", "aXYZdef"}, {0, 0, "X", "Xabcdef"}, {6, 6, "X", "abcdefX"}, {0, 6, "", ""}} {
		if got := string(Splice(raw, c.start, c.end, []byte(c.with))); got != c.want || string(raw) != "abcdef" {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestANoteEndsTheDescriptionAndNothingElseChanges(t *testing.T) {
	note := " \"x\"\n"
	tests := []struct{ name, tool, want string }{
		{"a description", `{"x":1, "description" : "d\u0065" ,"name":"b","y":1e400}`, `{"x":1, "description" : "d\u0065 \"x\"\n" ,"name":"b","y":1e400}`},
		{"an empty one", `{"name":"b","description":""}`, `{"name":"b","description":" \"x\"\n"}`},
		{"none", `{ "name":"b"}`, `{"description":" \"x\"\n", "name":"b"}`},
		{"one that is no text", `{"name":"b","description":null}`, `{"name":"b","description":null}`},
		{"one of something else", `{"name":"b","annotations":{"description":"z"}}`, `{"description":" \"x\"\n","name":"b","annotations":{"description":"z"}}`},
		{"in another spelling", `{"name":"b","d\u0065scription":"z"}`, `{"name":"b","d\u0065scription":"z \"x\"\n"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			head, tail := `{"jsonrpc":"2.0","id":1,"result":{ "tools": [`, `] ,"nextCursor":"n"}}`
			tools, err := Tools(mustReadServer(t, head+toolA+" ,"+tt.tool+tail))
			if err != nil {
				t.Fatal(err)
			}
			got := tools.Edit(func(string) bool { return true }, func(name string) string {
				return map[string]string{"b": note}[name]
			})
			if want := head + toolA + "," + tt.want + tail; string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			mustReadServer(t, string(got))
		})
	}
}

// A list that policy filtered is one principal's: shared, it would show one what
// another may.
func TestAFilteredListIsNotForSharing(t *testing.T) {
	for line, want := range map[string]string{
		`{"jsonrpc":"2.0","id":1,"result":{"cacheScope": "public","tools":[{"name":"a"},{"name":"b"}],"ttlMs":5}}`: `{"jsonrpc":"2.0","id":1,"result":{"cacheScope": "private","tools":[{"name":"a"}],"ttlMs":5}}`,
		`{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"},{"name":"b"}],"cacheScope":"public"}}`:            `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}],"cacheScope":"private"}}`,
		`{"jsonrpc":"2.0","id":1,"result":{"tools":[ {"name":"a"} ],"cacheScope":"odd"}}`:                          `{"jsonrpc":"2.0","id":1,"result":{"tools":[ {"name":"a"} ],"cacheScope":"private"}}`,
		`{"jsonrpc":"2.0","id":1,"result":{"cacheScope":"private","tools":[ {"name":"a"} ]}}`:                      `{"jsonrpc":"2.0","id":1,"result":{"cacheScope":"private","tools":[ {"name":"a"} ]}}`,
	} {
		m, err := ReadServer([]byte(line), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		list, err := Tools(m)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(list.Keep(func(name string) bool { return name == "a" })); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
