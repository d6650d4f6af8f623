package policy

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// tree makes files and returns their directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checked lists what a check says of the paths in dir, which is left out.
func checked(t *testing.T, dir string, paths ...string) (Checked, string) {
	t.Helper()
	for i := range paths {
		paths[i] = filepath.Join(dir, paths[i])
	}
	c := CheckPaths(t.Context(), paths...)
	var lines []string
	for _, f := range c.Findings {
		lines = append(lines, strings.ReplaceAll(f.Labelled(), dir+string(filepath.Separator), ""))
	}
	return c, strings.Join(lines, "\n")
}

func TestCheckSaysWhatPeopleTakeForADocument(t *testing.T) {
	encoded := url.PathEscape(allowAll)
	for name, tt := range map[string]struct{ text, want string }{
		"the IAM API's encoding":              {encoded, "is URL-encoded, as the IAM API returns it; decode it (python3 -c "},
		"the same in lower case":              {strings.ToLower(encoded), "is URL-encoded"},
		"a policy version, still encoded":     {`{"PolicyVersion": {"Document": "` + encoded + `"}}`, "decode it (jq -r .PolicyVersion.Document FILE | python3 -c "},
		"a text with a document":              {strconv.Quote(allowAll), "holds the document in a text; write what is in it alone (jq -r . FILE)"},
		"what Terraform keeps":                {`{"policy": ` + strconv.Quote(allowAll) + `}`, "(jq -r .policy FILE)"},
		"what CloudTrail records":             {`{"policyDocument": ` + strconv.Quote(allowAll) + `}`, "(jq -r .policyDocument FILE)"},
		"a policy version of the AWS CLI":     {`{"PolicyVersion": {"Document": ` + allowAll + `}}`, "PolicyVersion: is around the document; write what is in its Document alone"},
		"YAML":                                {"Version: \"2012-10-17\"\nStatement: []\n", "is YAML; a policy document is JSON"},
		"a byte order mark":                   {"\xef\xbb\xbf{}", "begins with a byte order mark"},
		"a comment, which YAML would take":    {"# mine\n{\"Statement\": []}", "JSON has no comments"},
		"bytes that are no text":              {"\x00\x01\x02", "is no text; is this the right file?"},
		"an archive":                          {"\x1f\x8b\x08\x00", "is compressed; a bundle is checked with --config"},
		"UTF-16":                              {"\xff\xfe{\x00}\x00", "is UTF-16; save it as UTF-8"},
		"lists within lists":                  {strings.Repeat("[", 50000) + strings.Repeat("]", 50000), "is nested deeper than any policy document"},
		"objects within objects":              {strings.Repeat(`{"Statement":`, 50000) + "1" + strings.Repeat("}", 50000), "is nested deeper than any policy document"},
		"nothing":                             {"", "is empty; a policy document is a JSON object"},
		"null":                                {"null", "must be a JSON object with Version and Statement"},
		"a text that holds something else":    {`"hello"`, "must be a JSON object with Version and Statement"},
		"a percentage":                        {"%", "is no JSON here"},
		"a Principal, as in a trust policy":   {`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}`, "Principal: belongs to resource policies"},
		"an action that AWS does not have":    {`{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "ecs:DeletService", "Resource": "*"}}`, "is ecs:DeleteService meant?"},
		"what would move a terminal's cursor": {`{"{{` + "\u009b" + `2J}}": 1, "Statement": []}`, "{{\ufffd2J}}"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, map[string]string{"doc.json": tt.text})
			c, got := checked(t, dir, "doc.json")
			if c.Documents != 1 || !strings.HasPrefix(got, "doc.json:1: ") || !strings.Contains(got, tt.want) {
				t.Errorf("%d documents, got %q, want one that says %q", c.Documents, got, tt.want)
			}
		})
	}
}

func TestCheckSaysWhatCannotBeRead(t *testing.T) {
	dir := tree(t, map[string]string{
		"readme.md": "x", "tests/a_test.rego": "package a_test", "binary.rego": "\x00", "list/list.json": "[]", "list/a.rego": "package team",
		"broken.yaml": "a: 1\nb: [", "old.rego": "package team\n\ndeny[x] { x := 1 }\n", "yaml/doc.yaml": "Statement: []\n",
	})
	for path, want := range map[string]string{
		"missing.json":      "missing.json: error: there is no such file or folder; look at the name",
		"missing":           "missing: error: there is no such file or folder; look at the name",
		"readme.md":         "readme.md:1: error: is no JSON here",
		"tests":             "tests: error: holds no policy: no file ends in .rego (a _test.rego does not count)",
		"tests/a_test.rego": "tests/a_test.rego: error: tests take no part in decisions; run them with policy test",
		"binary.rego":       "binary.rego:1: error: is no text",
		"list":              "list/list.json: error: data at the top must be an object",
		"broken.yaml":       "broken.yaml:2: error: is no YAML: ",
		"old.rego":          "old.rego:3: error: `if` keyword is required before rule body; this is Rego of before OPA 1.0; opa fmt --v0-v1 --write rewrites it",
		"yaml":              "yaml/doc.yaml:1: error: is YAML; a policy document is JSON",
	} {
		if _, got := checked(t, dir, path); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	for _, name := range []string{"", "-"} {
		c := CheckPaths(t.Context(), name)
		if len(c.Findings) != 1 || !strings.Contains(c.Findings[0].String(), "/dev/stdin for a document on standard input") {
			t.Errorf("%q: got %v", name, c.Findings)
		}
	}
}

// Two documents have members of one name. They are no data of the Rego beside them.
func TestCheckKeepsDocumentsApartFromData(t *testing.T) {
	dir := tree(t, map[string]string{
		"all/a.json": allowAll, "all/b.json": allowAll, "all/team/data.json": `{"frozen": []}`, "all/x.rego": "package x\n\nimport data.team\n\ny := team.frozen\n",
		"data/data.json": `{"a": 1}`, "beside/a.json": allowAll, "beside/package.json": `["no object"]`,
	})
	if c, got := checked(t, dir, "all"); got != "" || c.Documents != 2 || c.Modules != 1 || c.Data != 1 {
		t.Errorf("got %q, %+v", got, c)
	}
	if c, got := checked(t, dir, "data/data.json"); got != "" || c.Documents != 0 || c.Data != 1 {
		t.Errorf("data named itself: got %q, %+v", got, c)
	}
	if c, got := checked(t, dir, "beside"); got != "" || c.Documents != 1 || c.Data != 0 {
		t.Errorf("documents alone: got %q, %+v", got, c)
	}
}

// The same Rego twice would conflict with itself; and lines may end as on Windows.
func TestCheckReadsAPathOnce(t *testing.T) {
	dir := tree(t, map[string]string{"a.rego": "package team\r\n\r\ndefault x := 1\r\n", "a.json": strings.ReplaceAll(allowAll, ",", ",\r\n")})
	if c := CheckPaths(t.Context(), dir, dir+"/", filepath.Join(dir, ".")); len(c.Findings) != 0 || c.Documents != 1 || c.Modules != 1 {
		t.Errorf("got %+v", c)
	}
}
