package policy

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// folder writes the files of a txtar archive into a new directory. A text
// without any file mark is the file mine.rego.
func folder(t testing.TB, archive string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, archive)
	return dir
}

func write(t testing.TB, dir, archive string) {
	t.Helper()
	if !strings.Contains(archive, "-- ") {
		archive = "-- mine.rego --\n" + archive
	}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, f.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	inMine   = "package ecsmcp.guardrails.mine\n\n"
	noDelete = inMine + "deny contains \"not on Fridays\" if input.actions[\"ecs:deleteservice\"]\n"
)

// ownEngine is an engine whose persona all may do everything but what own Rego denies.
func ownEngine(t testing.TB, guardrails Guardrails, archives ...string) (*Engine, error) {
	t.Helper()
	var paths []string
	for _, archive := range archives {
		paths = append(paths, folder(t, archive))
	}
	source, err := ReadPaths(paths...)
	if err != nil {
		return nil, err
	}
	return New(t.Context(), map[string]Persona{"all": {Identity: []Document{read(t, "all", allowAll)}, Guardrails: guardrails}}, source)
}

func TestOwnRegoIsRefused(t *testing.T) {
	tests := map[string]struct{ archive, want string }{
		"with an equality of its own":            {inMine + "equal(a, b) if a != b\n\ndeny contains \"no\" if input.call.write == true\n", "mine.rego:3: a rule equal would change"},
		"with an assignment of its own":          {inMine + "eq(a, b) if a != b\n\ndeny contains \"no\" if input.call.write = true\n", "mine.rego:3: a rule eq would change"},
		"with an imported equality":              {"package ecsmcp.guardrails.mine\n\nimport data.lib.equal\n\ndeny contains \"no\" if equal(input.call.write, true)\n", "mine.rego:3: an import called equal would change"},
		"with two documents of data":             {noDelete + "-- team/data.yaml --\na: 1\n---\nb: 2\n", "holds 2 YAML documents"},
		"with a key of data twice":               {noDelete + "-- team/data.yaml --\na: 1\na: 2\n", "already defined"},
		"with a function that opa does not know": {inMine + "deny contains name if some name in ecsmcp.native.rails(input).deny\n", "mine.rego:3: ecsmcp.native.rails is the proxy's own"},
		"in the package of the decision":         {"package ecsmcp.authz\n\nallow := true\n", "mine.rego:1: package ecsmcp.authz is the proxy's own"},
		"below the package of the decision":      {"package ecsmcp.authz.allow\n\nx := true\n", "mine.rego:1: package ecsmcp.authz.allow is the proxy's own"},
		"in a parent package":                    {"package ecsmcp\n\nauthz.decision := {\"allow\": true}\n", "mine.rego:1: package ecsmcp is the proxy's own"},
		"in the package of all guardrails":       {"package ecsmcp.guardrails\n\nmine.deny contains \"x\"\n", "mine.rego:1: package ecsmcp.guardrails is the proxy's own"},
		"in the package of IAM":                  {"package ecsmcp.iam\n\nevaluate(_, _) := {\"allow\": true}\n", "mine.rego:1: package ecsmcp.iam is the proxy's own"},
		"in the package of settings":             {"package ecsmcp.config\n\npersonas := {}\n", "mine.rego:1: package ecsmcp.config is the proxy's own"},
		"in a built-in guardrail":                {"package ecsmcp.guardrails.tag_escalation\n\ndefault protected := []\n", "mine.rego:1: tag_escalation is a built-in guardrail; give yours another name"},
		"below a guardrail":                      {"package ecsmcp.guardrails.mine.deny\n\nx := 1\n", "nobody would ask package ecsmcp.guardrails.mine.deny"},
		"with a name that no key has":            {"package ecsmcp.guardrails[\"a b\"]\n\ndeny contains \"x\"\n", `not "a b"`},
		"data of the proxy's own":                {"-- data.json --\n{\"ecsmcp\": {\"config\": {\"personas\": {}}}}\n", "data.ecsmcp is the proxy's own"},
		"data of the proxy's own by its place":   {"-- ecsmcp/iam/data.yaml --\nevaluate: {allow: true}\n", "data.ecsmcp is the proxy's own"},
		"a deny that is true":                    {inMine + "deny if input.persona == \"all\"\n", "mine.rego:3: deny must be a set; write deny contains reason if"},
		"a deny that is a list":                  {inMine + "deny := [\"x\"]\n", "mine.rego:3: deny must be a set"},
		"a deny that is an object":               {inMine + "deny.x := \"y\"\n", "mine.rego:3: deny must be a set"},
		"a deny within a deny":                   {inMine + "deny.x contains \"y\"\n", "mine.rego:3: deny must be a set"},
		"a default deny":                         {inMine + "default deny := false\n", "mine.rego:3: deny must be a set"},
		"a deny that is a function":              {inMine + "deny(x) if x\n", "mine.rego:3: deny takes no arguments"},
		"an obligation that is no set":           {inMine + "obligation := {\"kind\": \"redact\"}\n", "mine.rego:3: obligation must be a set"},
		"a session deny that is no set":          {inMine + "session_deny := {\"Action\": []}\n", "mine.rego:3: session_deny must be a set"},
		"a guardrail without a deny":             {inMine + "denies contains \"x\"\n", "mine.rego: guardrail mine has no rule deny, obligation, session_deny or context"},
		"a reference the request does not have":  {inMine + "deny contains \"x\" if input.call.opration == \"RunTask\"\n", "mine.rego:3: undefined ref: input.call.opration (have: \"opration\"; want (one of): [\"arguments\" \"escapes_scope\" \"leaves_credentials\" \"method\" \"operation\" "},
		"the same in a library":                  {"package team\n\nx if input.pricipal.id == \"a\"\n", "mine.rego:3: undefined ref: input.pricipal"},
		"a call to a function with a wrong type": {inMine + "deny contains \"x\" if lower(1) == \"y\"\n", "mine.rego:3: lower: invalid argument(s)"},
		"an unused variable":                     {inMine + "deny contains \"x\" if {\n\ty := 1\n\tinput.persona == \"all\"\n}\n", "mine.rego:4: assigned var y unused"},
		"the network":                            {inMine + "deny contains \"x\" if http.send({\"method\": \"get\", \"url\": \"http://127.0.0.1\"}).status_code == 200\n", "mine.rego:3: undefined function http.send; policy decides by the request alone"},
		"the clock":                              {inMine + "deny contains \"x\" if time.now_ns() > 0\n", "undefined function time.now_ns; policy decides by the request alone"},
		"a token that is checked by the clock":   {inMine + "deny contains \"x\" if io.jwt.decode_verify(\"a\", {})[0]\n", "undefined function io.jwt.decode_verify; policy decides by the request alone"},
		"a trace":                                {inMine + "deny contains \"x\" if trace(\"y\")\n", "undefined function trace; remove it"},
		"asking for the decision":                {inMine + "deny contains \"x\" if not data.ecsmcp.authz.decision.allow\n", "is recursive"},
		"asking for all guardrails":              {inMine + "deny contains \"x\" if count(data.ecsmcp.guardrails) > 1\n", "a guardrail cannot ask for the decision or for all guardrails"},
		"Rego of before OPA 1.0":                 {inMine + "deny[msg] { msg := \"x\" }\n", "mine.rego:3: `if` keyword is required before rule body; this is Rego of before OPA 1.0"},
		"a file that ends in the middle":         {inMine + "deny contains \"x\" if {\n\tinput.persona ==", "mine.rego:5: unexpected eof token"},
		"an empty module":                        {"-- mine.rego --\n", "empty module; write package"},
		"data and rules of one name":             {"-- mine.rego --\npackage team\n\nlimit := 1\n-- data.json --\n{\"team\": {\"limit\": 2}}\n", "rules and data stand under one name"},
		"data that is there twice":               {"-- a.json --\n{\"team\": 1}\n-- b.yaml --\nteam: 2\n", "b.yaml: data.team is there already, from another file"},
		"one key twice":                          {"-- a.json --\n{\"team\": 1, \"team\": 2}\n", "duplicate"},
		"data that are a list":                   {"-- a.json --\n[1]\n", "a.json: data at the top must be an object"},
		"two texts in one data file":             {"-- a.json --\n{} {}\n", "there is text after the end"},
		"YAML that is none":                      {"-- a.yaml --\na: [\n", "a.yaml:1: is no YAML: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ownEngine(t, nil, tt.archive)
			if !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant an ErrPolicy with %s", err, tt.want)
			}
		})
	}
}

func TestEveryMistakeOfOwnRegoIsSaidAtOnce(t *testing.T) {
	_, err := ownEngine(t, nil, "-- a.rego --\npackage ecsmcp.iam\n-- b.rego --\n"+inMine+"deny if true\nobligation := 1\n-- c.json --\n{\"ecsmcp\": 1}\n")
	for _, want := range []string{"a.rego:1: ", "b.rego:3: ", "b.rego:4: ", "data.ecsmcp "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %s", err, want)
		}
	}
}

func TestReadPathsRefusesWhatIsNoPolicy(t *testing.T) {
	loop := folder(t, noDelete)
	if err := os.Symlink(loop, filepath.Join(loop, "again")); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(folder(t, "-- a.txt --\n"), "a.txt")
	for path, want := range map[string]string{
		filepath.Join(t.TempDir(), "missing"):       "no such file",
		t.TempDir():                                 "holds no policy",
		folder(t, "-- a_test.rego --\npackage a\n"): "a _test.rego does not count",
		text: "a policy file ends in .rego",
		loop: "does a link lead back?",
	} {
		if _, err := ReadPaths(path); !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}

// A ConfigMap is mounted as links to links, and its own directories begin with dots.
func TestReadPathsFollowsTheLinksOfAConfigMap(t *testing.T) {
	dir := folder(t, "-- ..2026_01/mine.rego --\n"+noDelete+"-- ..2026_01/sub/limits.json --\n{\"max\": 1}\n")
	for from, to := range map[string]string{"..data": "..2026_01", "mine.rego": "..data/mine.rego", "sub": "..data/sub"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := ReadPaths(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(s.modules)); !slices.Equal(got, []string{"own/0/mine.rego"}) {
		t.Errorf("modules %q", got)
	}
	if _, ok := s.data["sub"].(map[string]any)["max"]; !ok || len(s.data) != 1 {
		t.Errorf("data %v", s.data)
	}
}

func TestOwnRegoDecides(t *testing.T) {
	const library = "-- team.rego --\npackage team\n\nis_frozen if data.team.frozen[input.account]\n" +
		"-- team/freeze.yaml --\nfrozen: {\"123456789012\": true}\n" +
		"-- team_test.rego --\npackage team_test\n\ntest_broken if no_such_thing\n"
	tests := map[string]struct {
		archive string
		reason  *authz.Reason // nil: allowed
	}{
		"a message": {noDelete, &authz.Reason{Code: "mine", Title: "mine", Message: "not on Fridays"}},
		"a message explained by METADATA": {inMine + "# METADATA\n# title: No deletes\n# custom:\n#   remedy: Ask.\ndeny contains \"no\" if input.persona == \"all\"\n",
			&authz.Reason{Code: "mine", Title: "No deletes", Message: "no", Remedy: "Ask."}},
		"a whole reason": {inMine + "deny contains {\"code\": \"c\", \"title\": \"t\", \"message\": \"m\", \"remedy\": \"r\", \"needs\": [\"aws:SourceIp\"]} if input.persona == \"all\"\n",
			&authz.Reason{Code: "c", Title: "t", Message: "m", Remedy: "r", Needs: []string{"aws:SourceIp"}}},
		"a reason with its message only": {inMine + "deny contains {\"message\": \"m\"}\n", &authz.Reason{Code: "mine", Title: "mine", Message: "m"}},
		"with a library and data": {library + "-- mine.rego --\n" + inMine + "import data.team\n\ndeny contains \"frozen\" if team.is_frozen\n",
			&authz.Reason{Code: "mine", Title: "mine", Message: "frozen"}},
		"with the proxy's own functions": {inMine + "import data.ecsmcp.iam\n\ndeny contains \"x\" if iam.as_list(1) == [1]\n", &authz.Reason{Code: "mine", Title: "mine", Message: "x"}},
		"a deny that does not apply":     {inMine + "deny contains \"x\" if input.persona == \"other\"\n", nil},
		"a library alone":                {"package team\n\nx := 1\n", nil},
		"context":                        {inMine + "context := {\"ticket\": \"T-1\"}\n", nil},
		"a print, which is left out":     {inMine + "deny contains \"x\" if {\n\tprint(input)\n\tinput.persona == \"other\"\n}\n", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := ownEngine(t, nil, tt.archive)
			if err != nil {
				t.Fatal(err)
			}
			d, err := e.Decide(t.Context(), request("all", deleteService(in("us-east-1"))))
			if err != nil || d.Allow != (tt.reason == nil) {
				t.Fatalf("got %+v, %v", d, err)
			}
			if tt.reason != nil && (len(d.Denies) != 1 || !sameReason(d.Denies[0], *tt.reason)) {
				t.Errorf("got %+v, want %+v", d.Denies, *tt.reason)
			}
		})
	}
}

// What loads can only narrow: whatever it tries, a call that is denied without it
// is denied with it.
func TestOwnRegoAddsNoAllow(t *testing.T) {
	for name, archive := range map[string]string{
		"replacing IAM in its own evaluation":       inMine + "deny contains \"x\" if not data.ecsmcp.iam.evaluate({}, []).allow with data.ecsmcp.iam.evaluate as {\"allow\": true, \"accesses\": []}\n",
		"replacing configuration":                   inMine + "deny contains \"x\" if data.ecsmcp.config.personas.x with data.ecsmcp.config.personas as {}\n",
		"a guardrail that is called like a rule":    "package ecsmcp.guardrails.allow\n\ncontext := {\"allow\": true}\n",
		"rules that are called like the decision's": inMine + "deny contains \"x\" if false\n\nallow := true\n\ndecision := {\"allow\": true}\n\njudged := {\"allow\": true}\n",
		"a context that is called like the answer":  inMine + "context := {\"allow\": true, \"accesses\": [{\"decision\": \"allowed\"}]}\n",
		"a package that looks like the proxy's":     "package data.ecsmcp.authz\n\nallow := true\n",
		"data that look like the proxy's":           "-- authz/data.json --\n{\"allow\": true, \"config\": {\"personas\": {}}}\n",
		"a need that no key has":                    inMine + "deny contains {\"message\": \"m\", \"needs\": [\"aws:ResourceTag/*\"]} if input.persona == \"nobody\"\n",
		"a session deny":                            inMine + "session_deny contains {\"Action\": [\"*\"], \"Resource\": [\"*\"]}\n",
	} {
		t.Run(name, func(t *testing.T) {
			source, err := ReadPaths(folder(t, archive))
			if err != nil {
				t.Fatal(err)
			}
			personas := map[string]Persona{"all": {Identity: []Document{read(t, "all", allowAll)}, Boundary: []Document{read(t, "deny", denyAll)}}}
			plain, err := New(t.Context(), personas)
			if err != nil {
				t.Fatal(err)
			}
			own, err := New(t.Context(), personas, source)
			if err != nil {
				t.Fatal(err)
			}
			for _, persona := range []string{"all", "nobody", ""} {
				for _, accesses := range [][]authz.Access{nil, {deleteService(in("us-east-1"))}, {deleteService(in("us-east-1"), "aws:ResourceTag/*"), passRole("ec2.amazonaws.com")}} {
					before, err := plain.Decide(t.Context(), request(persona, accesses...))
					if err != nil {
						t.Fatal(err)
					}
					after, err := own.Decide(t.Context(), request(persona, accesses...))
					if after.Allow && !before.Allow || err != nil {
						t.Errorf("%q, %v: got %+v, %v", persona, accesses, after, err)
					}
				}
			}
		})
	}
}

func TestARuleCannotLeaveItsPackage(t *testing.T) {
	for _, rule := range []string{"data.ecsmcp.authz.allow := true", "data.ecsmcp.config.personas.x := {}", "input.persona := \"x\""} {
		if _, err := ownEngine(t, nil, "package team\n\n"+rule+"\n"); !errors.Is(err, ErrPolicy) {
			t.Errorf("%s: got %v, want an ErrPolicy", rule, err)
		}
	}
}

func sameReason(a, b authz.Reason) bool {
	return a.Code == b.Code && a.Title == b.Title && a.Message == b.Message && a.Remedy == b.Remedy && slices.Equal(a.Needs, b.Needs)
}

// Whatever is wrong with own Rego when it is evaluated, the call is denied and
// the error says where to look.
func TestOwnRegoFailsClosed(t *testing.T) {
	tests := map[string]struct{ archive, want string }{
		"a number for a reason":           {inMine + "deny contains 1 if input.persona\n", "guardrail mine: an element of deny"},
		"a truth for a reason":            {inMine + "deny contains true if input.persona\n", "guardrail mine: an element of deny"},
		"a reason without a message":      {inMine + "deny contains {\"code\": \"x\"} if input.persona\n", `guardrail "x" denies without a message`},
		"an empty message":                {inMine + "deny contains \"\" if input.persona\n", `guardrail "mine" denies without a message`},
		"a reason with a misspelled key":  {inMine + "deny contains {\"msg\": \"x\"} if input.persona\n", "guardrail mine: an element of deny"},
		"a string for a session deny":     {inMine + "session_deny contains \"ecs:*\" if input.persona\n", "read result"},
		"a misspelled session deny":       {inMine + "session_deny contains {\"Actions\": [\"*\"]} if input.persona\n", "read result"},
		"a session deny in two spellings": {inMine + "session_deny contains {\"Action\": [\"ecs:*\"], \"Resource\": [\"*\"], \"action\": [\"ecs:x\"]} if input.persona\n", "read result"},
		"a message in another spelling":   {inMine + "deny contains {\"message\": \"x\", \"Message\": \"y\"} if input.persona\n", "has a member Message"},
		"a string for an obligation":      {inMine + "obligation contains \"redact\" if input.persona\n", "read result"},
		"an obligation nobody knows":      {inMine + "obligation contains {\"kind\": \"shred\"} if input.persona\n", "shred"},
		"a builtin that fails":            {inMine + "deny contains \"x\" if to_number(input.persona) > 1\n", "mine.rego:3"},
		"a division by zero":              {inMine + "deny contains \"x\" if 1 / (count(input.accesses) - 1) == 1\n", "mine.rego:3"},
		"a conflict of two rules":         {inMine + "deny contains \"x\" if limit == 3\n\nlimit := 1 if input.persona\n\nlimit := 2 if input.account\n", "mine.rego:5"},
		"a conflict of two contexts":      {inMine + "context := 1 if input.persona\n\ncontext := 2 if input.account\n", "mine.rego:3"},
		"a conflict in an object":         {inMine + "deny contains \"x\" if count({input.persona: v | some v in {1, 2}}) == 3\n", "mine.rego:3"},
		"an expression that does not end": {inMine + "deny contains \"x\" if count([1 | some a in numbers.range(1, 100000); some b in numbers.range(1, 100000); a == -b]) > 0\n", "evaluation took over"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := ownEngine(t, nil, tt.archive)
			if err != nil {
				t.Fatal(err)
			}
			d, err := e.Decide(t.Context(), request("all", deleteService(in("us-east-1"))))
			if d.Allow || len(d.Accesses) > 0 || !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v; want an ErrPolicy with %q", d, err, tt.want)
			}
		})
	}
}

func TestOwnGuardrailsHaveSettings(t *testing.T) {
	const limited = inMine + `default settings := {"tools": ["none"]}

settings := data.ecsmcp.config.personas[input.persona].guardrails.mine

deny contains "that tool" if input.call.tool in settings.tools
`
	for name, tt := range map[string]struct {
		guardrails Guardrails
		allow      bool
	}{
		"by default":          {nil, true},
		"set for the persona": {Guardrails{"mine": map[string]any{"tools": []any{"ecs_resource_management"}}}, false},
		"and off":             {Guardrails{"mine": "off"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := ownEngine(t, tt.guardrails, limited)
			if err != nil {
				t.Fatal(err)
			}
			r := request("all", deleteService(in("us-east-1")))
			r.Call.Tool = "ecs_resource_management"
			if d, err := e.Decide(t.Context(), r); err != nil || d.Allow != tt.allow {
				t.Errorf("got %+v, %v", d, err)
			}
		})
	}
	if _, err := ownEngine(t, Guardrails{"mime": "off"}, limited); err == nil || !strings.Contains(err.Error(), "there is no such guardrail; there are ") {
		t.Errorf("a misspelled name: %v", err)
	}
}

func TestOwnRegoIsWarnedOf(t *testing.T) {
	for name, tt := range map[string]struct{ archive, want string }{
		"a deny that does not explain itself": {noDelete, "mine.rego:3: guardrail mine: give deny METADATA with a title and custom.remedy"},
		"a deny that nobody asks":             {"package team\n\ndeny contains \"x\"\n", "mine.rego:3: package team is no guardrail, so nobody asks its rule deny"},
		"nothing":                             {"# METADATA\n# title: Mine\n# custom:\n#   remedy: Ask.\n" + noDelete, ""},
		"nothing, explained for the document": {inMine + "# METADATA\n# scope: document\n# title: Mine\n# custom:\n#   remedy: Ask.\ndeny contains \"x\" if input.persona == \"a\"\n\ndeny contains \"y\" if input.persona == \"b\"\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := ownEngine(t, nil, tt.archive)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(e.Warnings(), "\n")
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The revision is of what decides, wherever it lies.
func TestRevisionIsOfContent(t *testing.T) {
	revision := func(archives ...string) string {
		e, err := ownEngine(t, nil, archives...)
		if err != nil {
			t.Fatal(err)
		}
		return e.Revision()
	}
	same := revision(noDelete)
	if revision(noDelete) != same {
		t.Error("the same text in another directory has another revision")
	}
	for name, other := range map[string]string{
		"without it":      revision("package team\n"),
		"another text":    revision(strings.Replace(noDelete, "Fridays", "Mondays", 1)),
		"with other data": revision("-- mine.rego --\n" + noDelete + "-- a.json --\n{\"a\": 1}\n"),
	} {
		if other == same {
			t.Errorf("%s: the same revision", name)
		}
	}
}

func FuzzNewSource(f *testing.F) {
	f.Add("mine.rego", []byte(noDelete))
	f.Add("mine.rego", []byte("package ecsmcp.guardrails.mine\ndeny.x.y contains 1 if true\n"))
	f.Add("mine.rego", []byte("package ecsmcp.guardrails[x]\n"))
	f.Add("a.json", []byte(`{"ecsmcp": 1}`))
	f.Add("a.yaml", []byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		s, err := newSource([]file{{path: name, shown: name, bytes: b}}, map[string]any{})
		if err != nil {
			return
		}
		if _, ok := s.data["ecsmcp"]; ok {
			t.Error("data of the proxy's own were taken")
		}
		for _, module := range s.modules {
			if path := packagePath(module); path[0] == "ecsmcp" && (len(path) != 3 || path[1] != "guardrails") {
				t.Errorf("package %q was taken", path)
			}
		}
	})
}

// However Rego writes the name of its package, a guardrail is found, has settings,
// and is asked for all that it may say.
func TestGuardrailIsAskedWhateverItsName(t *testing.T) {
	for name, pkg := range map[string]string{"mine": "mine", "no-updates": `["no-updates"]`, "default": `["default"]`, "in": `["in"]`, "with": "with", "every": "every", "x_1": "x_1"} {
		t.Run(name, func(t *testing.T) {
			module := "package ecsmcp.guardrails." + pkg + `

default settings := {"word": "no"}

settings := data.ecsmcp.config.personas[input.persona].guardrails["` + name + `"]

deny contains settings.word if input.region == "us-east-1"

obligation contains {"kind": "redact", "members": ["x"]}

session_deny contains {"Action": ["ecs:DeleteService"], "Resource": ["*"]}

context := {"seen": true}
`
			module = strings.ReplaceAll(module, "guardrails.[", "guardrails[")
			e, err := ownEngine(t, Guardrails{name: map[string]any{"word": "never"}}, module)
			if err != nil {
				t.Fatal(err)
			}
			d, err := e.Decide(t.Context(), request("all", deleteService(in("us-east-1", "aws:ResourceTag/Environment", "staging"))))
			if err != nil || d.Allow || !slices.ContainsFunc(d.Denies, func(r authz.Reason) bool { return r.Code == name && r.Message == "never" }) ||
				len(d.Obligations) == 0 || len(d.SessionDeny) == 0 || d.Context[name] == nil {
				t.Errorf("got %+v, %v", d, err)
			}
		})
	}
}
