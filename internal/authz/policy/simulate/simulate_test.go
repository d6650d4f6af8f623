package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

const (
	allowAll = `{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}]}`
	denies   = `{"Version":"2012-10-17","Statement":{"Sid":"Production","Effect":"Deny","Action":"ecs:Delete*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Environment":"production"}}}}`
	cpu      = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"ecs:task-cpu":300},"Bool":{"aws:SecureTransport":true}}}}`
	deletion = `"action":"ecs:DeleteService","resource":"arn:aws:ecs:us-east-1:123456789012:service/shop/web"`
)

func judges(t testing.TB) map[string]Judge {
	t.Helper()
	reference, err := policy.NewReference(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Judge{"rego": reference, "native": policy.Native{}}
}

// answers runs lines and decodes what came out.
func answers(t testing.TB, judge Judge, in string) ([]Answer, Totals) {
	t.Helper()
	var out bytes.Buffer
	totals, err := Run(t.Context(), judge, strings.NewReader(in), &out)
	if err != nil {
		t.Fatal(err)
	}
	var all []Answer
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	for {
		var a Answer
		if err := d.Decode(&a); err == io.EOF {
			return all, totals
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
}

func TestRunDecides(t *testing.T) {
	tests := map[string]struct {
		line string
		want Answer
	}{
		"identity allows": {
			`"policies":[` + allowAll + `],"request":{` + deletion + `,"context":{}}`,
			Answer{Decision: "allowed", Layer: "identity", Statements: []string{"policy0/All"}}},
		"no policy allows nothing": {
			`"policies":[],"request":{` + deletion + `,"context":{}}`,
			Answer{Decision: "implicitDeny", Layer: "identity"}},
		"a boundary denies, though identity allows": {
			`"policies":[` + allowAll + `],"boundary":[` + allowAll + `,` + denies + `],"request":{` + deletion + `,"context":{"aws:ResourceTag/environment":"production"}}`,
			Answer{Decision: "explicitDeny", Layer: "boundary", Statements: []string{"boundary1/Production"}}},
		"a boundary of denies alone allows nothing": {
			`"policies":[` + allowAll + `],"boundary":` + denies + `,"request":{` + deletion + `,"context":{}}`,
			Answer{Decision: "implicitDeny", Layer: "boundary"}},
		"a session limits": {
			`"policies":[` + allowAll + `],"session":` + denies + `,"request":{` + deletion + `,"context":{}}`,
			Answer{Decision: "implicitDeny", Layer: "session"}},
		"an unknown key is not an absent one": {
			`"policies":[` + allowAll + `],"boundary":[` + allowAll + `,` + denies + `],"request":{` + deletion + `,"context":{},"unknown":["aws:ResourceTag/*"]}`,
			Answer{Decision: "explicitDeny", Layer: "boundary", Statements: []string{"boundary1/Production"}, Unknown: []string{"aws:ResourceTag/Environment"}}},
		"documents may have names": {
			`"policies":[{"name":"ops","document":` + allowAll + `}],"request":{"principal":"arn:aws:iam::123456789012:role/ops",` + deletion + `,"context":{}}`,
			Answer{Decision: "allowed", Layer: "identity", Statements: []string{"ops/All"}}},
		"numbers and booleans stand for their text": {
			`"policies":[` + cpu + `],"request":{` + deletion + `,"context":{"ecs:task-cpu":256,"aws:SecureTransport":true}}`,
			Answer{Decision: "allowed", Layer: "identity", Statements: []string{"policy0/#0"}}},
		"a list is a multi-valued key": {
			`"policies":[` + cpu + `],"request":{` + deletion + `,"context":{"ecs:task-cpu":[256],"aws:SecureTransport":true}}`,
			Answer{Decision: "implicitDeny", Layer: "identity"}},
		"the resource of an action without any is met by the whole wildcard alone": {
			`"policies":[{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:*"}}],"request":{"action":"ecs:ListClusters","resource":"*","context":{}}`,
			Answer{Decision: "implicitDeny", Layer: "identity"}},
		"a deny meets a wide resource that it may touch": {
			`"policies":[` + allowAll + `,{"Statement":{"Effect":"Deny","Action":"*","Resource":"arn:aws:ecs:us-east-1:123456789012:service/shop/web"}}],
			"request":{"action":"ecs:DeleteService","resource":"arn:aws:ecs:us-east-1:123456789012:service/shop/*","context":{}}`,
			Answer{Decision: "explicitDeny", Layer: "identity", Statements: []string{"policy1/#0"}}},
	}
	for engine, judge := range judges(t) {
		for name, tt := range tests {
			t.Run(engine+": "+name, func(t *testing.T) {
				got, totals := answers(t, judge, `{"id":"a",`+strings.ReplaceAll(tt.line, "\n", " ")+"}\n")
				if len(got) != 1 || totals != (Totals{Lines: 1}) {
					t.Fatalf("got %+v, %+v", got, totals)
				}
				tt.want.ID, tt.want.Statements, tt.want.Unknown = "a", orEmpty(tt.want.Statements), orEmpty(tt.want.Unknown)
				have, _ := json.Marshal(got[0])
				want, _ := json.Marshal(tt.want)
				if !bytes.Equal(have, want) {
					t.Errorf("got  %s\nwant %s", have, want)
				}
			})
		}
	}
}

func TestRunRefusesWhatCouldBeReadInTwoWays(t *testing.T) {
	request := func(members string) string { return `{"id":"a","policies":[],"request":{` + members + `}}` }
	tests := map[string]struct{ line, id, why string }{
		"an empty line":            {"", "", "unexpected EOF"},
		"no JSON":                  {"hello", "", "is no case: invalid character 'h' at start of value; write one JSON object a line"},
		"no object":                {"[]", "", "a JSON object is needed"},
		"an unknown member":        {`{"id":"a","policy":[]}`, "a", `"/policy": unknown object member name`},
		"a member in another case": {`{"id":"a","Policies":[]}`, "a", `"/Policies": unknown object member name`},
		"a member twice":           {`{"id":"a","id":"b"}`, "a", "is no case: duplicate object member"},
		"something after it":       {`{"id":"a"} {}`, "a", "after top-level value"},
		"a member of another type": {`{"id":"a","policies":{}}`, "a", "a JSON { does not belong there"},
		"no id":                    {`{"policies":[]}`, "", `"id" is missing`},
		"no policies":              {`{"id":"a"}`, "a", `"policies" is missing; write []`},
		"no request":               {`{"id":"a","policies":[]}`, "a", `"request" is missing`},
		"an empty boundary":        {`{"id":"a","policies":[],"boundary":[],"request":{}}`, "a", "leave it out if there is none"},
		"a null boundary":          {`{"id":"a","policies":[],"boundary":null,"request":{}}`, "a", "boundary0: must be a policy document"},
		"a list of sessions":       {`{"id":"a","policies":[],"session":[],"request":{}}`, "a", "session0: must be a policy document"},
		"a document that AWS refuses": {`{"id":"a","policies":[{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}],"request":{}}`, "a",
			"policy0: Statement[0].Principal"},
		"two documents of one name": {`{"id":"a","policies":[{"name":"x","document":` + allowAll + `},{"name":"x","document":` + allowAll + `}],"request":{}}`, "a", `policy1: another document is named "x"`},
		"a name beside an element":  {`{"id":"a","policies":[{"name":"x","document":` + allowAll + `,"Version":"2012-10-17"}],"request":{}}`, "a", `"/Version": unknown object member name`},
		"an action with a wildcard": {request(`"action":"ecs:*","resource":"*","context":{}`), "a", "one action without wildcards"},
		"an action of no AWS API":   {request(`"action":"mcp:CallTool","resource":"*","context":{}`), "a", "touches no AWS API"},
		"a resource that is no ARN": {request(`"action":"ecs:ListClusters","resource":"shop","context":{}`), "a", "is no ARN"},
		"no context":                {request(`"action":"ecs:ListClusters","resource":"*"`), "a", "request.context: is missing"},
		"a key without a service":   {request(`"action":"ecs:ListClusters","resource":"*","context":{"region":"x"}`), "a", "is no condition key"},
		"a key in two spellings":    {request(`"action":"ecs:ListClusters","resource":"*","context":{"a:b":"x","A:b":"x"}`), "a", "one condition key to IAM"},
		"a value of no text":        {request(`"action":"ecs:ListClusters","resource":"*","context":{"a:b":{}}`), "a", "must be a string"},
		"a list in a list":          {request(`"action":"ecs:ListClusters","resource":"*","context":{"a:b":[[]]}`), "a", "must be a string"},
		"a key known and unknown":   {request(`"action":"ecs:ListClusters","resource":"*","context":{"a:b":"x"},"unknown":["A:B"]`), "a", "is in the context, too"},
		"an unknown that is no key": {request(`"action":"ecs:ListClusters","resource":"*","context":{},"unknown":["x"]`), "a", "is no condition key"},
		"a text over the limit":     {`{"id":"` + strings.Repeat("a", MaxLine) + `"}`, "", "is longer than"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			good := `{"id":"good","policies":[],"request":{` + deletion + `,"context":{}}}`
			got, totals := answers(t, policy.Native{}, tt.line+"\n"+good)
			if len(got) != 2 || totals != (Totals{Lines: 2, Invalid: 1}) {
				t.Fatalf("got %+v, %+v", got, totals)
			}
			if got[0].Decision != Invalid || got[0].ID != tt.id || !strings.HasPrefix(got[0].Error, "line 1: ") || !strings.Contains(got[0].Error, tt.why) {
				t.Errorf("got %+v, want an error with %q", got[0], tt.why)
			}
			if got[1].ID != "good" || got[1].Decision != "implicitDeny" {
				t.Errorf("the next line is answered %+v", got[1])
			}
		})
	}
}

// A value that cannot be compared denies in the proxy; here it is said.
func TestRunSaysWhatCannotBeCompared(t *testing.T) {
	line := `{"id":"a","policies":[{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-01-01"}}}}],
		"request":{` + deletion + `,"context":{"aws:CurrentTime":"2026-13-01"}}}`
	for engine, judge := range judges(t) {
		got, _ := answers(t, judge, strings.ReplaceAll(line, "\n", " "))
		if len(got) != 1 || got[0].Decision != Invalid || got[0].Error == "" {
			t.Errorf("%s: got %+v", engine, got)
		}
	}
}

func TestRunAnswersEachLineAtOnce(t *testing.T) {
	in, feed := io.Pipe()
	drain, out := io.Pipe()
	go func() {
		_, err := Run(t.Context(), policy.Native{}, in, out)
		out.CloseWithError(err)
	}()
	d := json.NewDecoder(drain)
	for range 3 {
		io.WriteString(feed, "{}\n")
		var a Answer
		if err := d.Decode(&a); err != nil || a.Decision != Invalid {
			t.Fatalf("got %+v, %v", a, err)
		}
	}
	feed.Close()
	if err := d.Decode(new(Answer)); err != io.EOF {
		t.Errorf("got %v after the last line", err)
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Read([]byte) (int, error)  { return 0, errBroken }
func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestRunEndsWithWhatItReadsAndWrites(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, run := range map[string]func() (Totals, error){
		"reading": func() (Totals, error) { return Run(t.Context(), policy.Native{}, broken{}, io.Discard) },
		"writing": func() (Totals, error) { return Run(t.Context(), policy.Native{}, strings.NewReader("x"), broken{}) },
		"waiting": func() (Totals, error) { return Run(ended, policy.Native{}, strings.NewReader("x"), io.Discard) },
	} {
		if _, err := run(); !errors.Is(err, errBroken) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzRun(f *testing.F) {
	f.Add(`{"id":"1","policies":[` + allowAll + `],"boundary":[` + denies + `],"session":` + cpu + `,"request":{` + deletion + `,"context":{"a:b":["x"]},"unknown":["aws:ResourceTag/*"]}}`)
	f.Add("\n\n{}\r\n[]\n{\"id\":\"\\ud800\"}")
	f.Add(`{"id":"1","policies":[{"name":"x","document":` + allowAll + `}],"request":{` + deletion + `,"context":{"a:b":1e9}}}`)
	f.Fuzz(func(t *testing.T, in string) {
		lines := strings.Count(in, "\n")
		if in != "" && !strings.HasSuffix(in, "\n") {
			lines++
		}
		got, totals := answers(t, policy.Native{}, in)
		if len(got) != lines || totals.Lines != lines {
			t.Fatalf("%d answers to %d lines", len(got), lines)
		}
		for _, a := range got {
			var verdict authz.Verdict
			if (a.Decision == Invalid) != (a.Error != "") || a.Decision != Invalid && verdict.UnmarshalText([]byte(a.Decision)) != nil {
				t.Fatalf("got %+v", a)
			}
		}
	})
}
