package mcp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/redact"
)

func TestTheUserSeesTheArgumentsAndNoSecret(t *testing.T) {
	kept, err := redact.New([]authz.Obligation{{Kind: authz.ObligationRedact, Members: []string{"tokenValue", "size", "volumes.host"}}})
	check(t, err)
	long := strings.Repeat("x", 81)
	tests := []struct{ name, arguments, want string }{
		{"no arguments are no lines", ``, ""},
		{"nor is an empty object", `{}`, ""},
		{"values are as JSON has them", `{"a":0,"b":true,"c":null,"d":"0","e":-1.50e3}`, "a: 0 | b: true | c: null | d: \"0\" | e: -1.50e3"},
		{"where a value stands is told", `{"a":{"b":[1,{"c":2}]}}`, "a.b.0: 1 | a.b.1.c: 2"},
		{"what is empty is told", `{"a":[],"b":{}}`, "a: [] | b: {}"},
		{"the outermost come first", `{"tags":[{"key":"a","value":"b"}],"desiredCount":0}`, `desiredCount: 0 | tags.0.key: "a" | tags.0.value: "b"`},
		{"a long text is cut, and that is said", `{"a":"` + long + `"}`, `a: "` + long[:80] + `…" (the first 80 of 81 characters)`},
		{"a long name is cut", `{"` + long + `":1}`, long[:80] + "…: 1"},
		{"JSON in a text is looked into", `{"a":"{\"b\":[1],\"password\":2}","c":"{not JSON"}`, `c: "{not JSON" | a.password: (not shown) | a.b.0: 1`},
		{"an escape says what it stands for", `{"\u0070assword":1,"a":"\u0030"}`, `password: (not shown) | a: "0"`},
		{"what controls a terminal does not", `{"a":"x\u001b[2J\n- all is well\u202e"}`, `a: "x?[2J?- all is well?"`},
		{"what marks up a page does not", "{\"a\":\"`[yes](http://x) <b>**\"}", `a: "'[yes](http://x) <b>**"`},
		{"nor what is written over it", `{"a":"n\u0336o\u20e0, e\u0301 a\u0302\u0301\u0302"}`, "a: \"n?o?, e\u0301 a\u0302\u0301?\""},
		{"a text ends where it ends", `{"a":"x\", \"b\\"}`, `a: "x\", \"b\\"`},
		{"a name does not look like another place, or a value", `{"t":{"a.b":1,"c: 2, d":3,"\u0430":4,"aws:x":5},"":6}`,
			`"": 6 | t."a.b": 1 | t."c: 2, d": 3 | t."а": 4 | t."aws:x": 5`},
		{"a name may be a secret", `{"Bearer abcdef":1,"t":{"AKIAIOSFODNN7EXAMPLE":{"a":2}}}`, "(not shown): 1 | t.(not shown).a: 2"},
		{"a secret's name is enough", `{"dbPassword":"a","x":{"API_KEY":["a","b"]},"clientToken":{"a":1}}`,
			"dbPassword: (not shown) | clientToken: (not shown) | x.API_KEY: (not shown)"},
		{"environment variables are not shown", `{"o":{"environment":[{"name":"A","value":"a"}],"env":{"B":"b"},"environmentFiles":["c"]}}`,
			"o.environment: (not shown) | o.env: (not shown) | o.environmentFiles: (not shown)"},
		{"a tag Environment is", `{"tags":[{"key":"Environment","value":"production"}],"t":{"Environment":"test"}}`,
			`t.Environment: "test" | tags.0.key: "Environment" | tags.0.value: "production"`},
		{"an object that names a secret is not shown", `{"pairs":[{"value":"a","name":"DB_PASSWORD"},{"name":"B","value":"b"}]}`,
			`pairs.0: (not shown) | pairs.1.name: "B" | pairs.1.value: "b"`},
		{"what is called so and is no variable is", `{"containers":[{"name":"token-service","image":"x","environment":[1]}],"key":"token"}`,
			`key: "token" | containers.0.name: "token-service" | containers.0.image: "x" | containers.0.environment: (not shown)`},
		{"a variable of its own is not", `{"name":"DB_PASSWORD","value":"x"}`, "(not shown)"},
		{"nor is what an option of a command takes", `{"command":["mysql","--password","a","-h","--api-key=b","--tokens",{"c":1},"d"]}`,
			`command.0: "mysql" | command.1: "--password" | command.2: (not shown) | command.3: "-h" | command.4: (not shown) | command.5: "--tokens" | command.6: (not shown) | command.7: "d"`},
		{"the form of a token is enough", `{"a":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x","b":"Basic dTpwdw=="}`, "a: (not shown) | b: (not shown)"},
		{"the form of a secret is enough", `{"a":"AKIAIOSFODNN7EXAMPLE","b":"psql postgres://u:p@h/d","c":["--password=p"],"d":"Bearer x"}`,
			"a: (not shown) | b: (not shown) | d: (not shown) | c.0: (not shown)"},
		{"an ARN of a secret is a reference", `{"a":"arn:aws:secretsmanager:us-east-1:1:secret:x"}`, `a: "arn:aws:secretsmanager:us-east-1:1:secret:x"`},
		{"what policy keeps from answers is not shown", `{"TokenValue":1,"SIZE":2,"volumes":[{"host":3}],"other":4}`,
			"TokenValue: (not shown) | SIZE: (not shown) | volumes: (not shown) | other: 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, line := range argumentLines([]byte(tt.arguments), kept.Keeps) {
				inner, ok := strings.CutPrefix(line, "- `")
				inner, closed := strings.CutSuffix(inner, "`")
				if !ok || !closed || strings.Contains(inner, "`") {
					t.Errorf("the line %s", line)
				}
				got = append(got, inner)
			}
			if all := strings.Join(got, " | "); all != tt.want {
				t.Errorf("the user sees\n%s\nwant\n%s", all, tt.want)
			}
		})
	}
}

// However much a call holds, the user sees the outermost values, and how many more there are.
func TestTheUserSeesSoManyArguments(t *testing.T) {
	many := map[string]any{"desiredCount": 0}
	for i := range 300 {
		many[fmt.Sprintf("a%03d", i)] = map[string]any{"b": strings.Repeat("ä", 1000)}
	}
	arguments, err := json.Marshal(many)
	check(t, err)
	lines := argumentLines(arguments, func(string) bool { return false })
	if len(lines) != shownValues+1 || lines[0] != "- `desiredCount: 0`" || lines[shownValues] != "and 281 more values, which are not shown." {
		t.Errorf("%d lines: %s … %s", len(lines), lines[0], lines[len(lines)-1])
	}
	if n := len(strings.Join(lines, "\n")); n > 6000 {
		t.Errorf("%d bytes", n)
	}
	deep := strings.Repeat(`{"abcdefgh":`, 2000) + "1" + strings.Repeat("}", 2000)
	quoted, err := json.Marshal(map[string]string{"a": deep})
	check(t, err)
	if lines := argumentLines(quoted, func(string) bool { return false }); len(lines) != 1 || len(lines[0]) > 200 {
		t.Errorf("%d lines: %.300s", len(lines), lines)
	}
}

// Whatever the arguments are, their lines are few, short, between their marks, and hold nothing
// that ends one; what stands under a secret's name is not in them.
func FuzzArgumentLines(f *testing.F) {
	f.Add([]byte(`{"a":"x\u001b[2J`+"`"+`\n","b":[{"name":"token","value":"s3cr3t!"}],"c":"{\"password\":2}"}`), "s3cr3t!")
	f.Add([]byte(`{"a.b":{"":[[],{},null,-1e400]},"run":["--password","x"]}`), "x")
	none := func(string) bool { return false }
	f.Fuzz(func(t *testing.T, arguments []byte, secret string) {
		lines := argumentLines(arguments, none)
		if len(lines) > shownValues+1 {
			t.Fatalf("%d lines", len(lines))
		}
		for _, line := range lines {
			inner, ok := strings.CutPrefix(line, "- `")
			if ok {
				inner, ok = strings.CutSuffix(inner, "`")
			}
			if !ok && !strings.HasPrefix(line, "and ") && line != "(they cannot be shown)" || ok && strings.Contains(inner, "`") ||
				strings.ContainsFunc(line, unicode.IsControl) || utf8.RuneCountInString(line) > 4*shownValue {
				t.Errorf("a line is %q", line)
			}
		}
		marked, err := json.Marshal(map[string]any{"n": 1, "dbPassword": "<<" + secret + ">>", "environment": []string{"<<" + secret + ">>"}})
		check(t, err)
		if said := strings.Join(argumentLines(marked, none), "\n"); strings.Contains(said, "<<") || !strings.Contains(said, "n: 1") {
			t.Errorf("the user is shown %s", said)
		}
	})
}
