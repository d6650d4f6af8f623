package policy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writeFile makes a file and returns its path.
func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// listed writes findings as LINE PLACE, with the file cut off.
func listed(findings []Finding) (all []string) {
	for _, f := range findings {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s", f.Line, f.Place)))
	}
	return all
}

func TestReadFileTellsEveryMistakeWithItsLine(t *testing.T) {
	path := writeFile(t, "deploy.json", `{
  "Version": "2012-10-18",
  "Statement": [
    {
      "Sid": "One",
      "Effect": "deny",
      "Effect": "Deny",
      "Action": [
        "ecs:*",
        "DeleteService"
      ],
      "Resource": "*",
      "Condition": {
        "StringEqual": {"aws:RequestedRegion": "us-east-1"},
        "StringEquals": {
          "aws:ResourceTag/a.b": ["x", {}],
          "aws:ResourceTag/a.b": "y"
        }
      }
    }, {
      "Sid": "One",
      "Effect": "Allow", "Action": "ecs:*"
    }
  ]
}
`)
	_, err := ReadFile(path)
	if !errors.Is(err, ErrDocument) {
		t.Fatalf("got %v, want an ErrDocument", err)
	}
	want := []string{
		"2 Version",
		"7 Statement[0].Effect",
		"10 Statement[0].Action[1]",
		"14 Statement[0].Condition.StringEqual",
		"17 Statement[0].Condition.StringEquals.aws:ResourceTag/a.b",
		"20 Statement[1]",
		"21 Statement[1].Sid",
	}
	findings := Findings(err)
	if got := listed(findings); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, f := range findings {
		if f.File != path || f.Severity != Error || !strings.Contains(err.Error(), fmt.Sprintf("%s:%d: %s: %s", path, f.Line, f.Place, f.Message)) {
			t.Errorf("finding %+v is not in the error %v", f, err)
		}
	}
}

func TestReadFileSaysWhatIsNoDocument(t *testing.T) {
	statement := `"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:ListClusters", "Resource": "*"}]`
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":                       {" \n", "doc.json:1: is empty"},
		"a byte order mark":             {"\xef\xbb\xbf{" + statement + "}", "doc.json:1: begins with a byte order mark"},
		"UTF-16":                        {"\xff\xfe{\x00", "is UTF-16"},
		"a comment":                     {"{\n  // for the team\n  " + statement + "}", "doc.json:2: JSON has no comments"},
		"a hash":                        {"# for the team\n{" + statement + "}", "doc.json:1: JSON has no comments"},
		"a block comment":               {"{" + statement + "\n/* end */}", "doc.json:2: JSON has no comments"},
		"a trailing comma":              {"{" + statement + ",\n}", "doc.json:1: there is a comma and nothing after it"},
		"a trailing comma in a list":    {"{\"Statement\": [\n1,\n]}", "doc.json:2: there is a comma and nothing after it"},
		"single quotes":                 {"{\n'Version': 1}", "doc.json:2: JSON has double quotes only"},
		"YAML":                          {"Version: 1", "doc.json:1: is no JSON here: invalid character 'V'"},
		"a cut":                         {"{\n" + statement + "\n", "doc.json:3: the document ends too early"},
		"two documents":                 {"{" + statement + "}\n{" + statement + "}", "doc.json:2: there is text after the end"},
		"what the API returns":          {"%7B%22Version", "is URL-encoded"},
		"a policy version":              {"{\n\"PolicyVersion\": {\"Document\": {" + statement + "}}}", "doc.json:2: PolicyVersion: is around the document; write what is in its Document alone (jq .PolicyVersion.Document FILE)"},
		"an inline policy of a role":    {"{\"RoleName\": \"x\", \"PolicyDocument\": {" + statement + "}}", "jq .PolicyDocument FILE"},
		"what a policy is called":       {`{"Policy": {"Arn": "x"}}`, "describes a policy and is none"},
		"a list of documents":           {"[{" + statement + "}]", "must be a JSON object"},
		"two keys in different objects": {"{" + statement + ", \"Id\": 1}", "doc.json:1: Id: must be a string"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadFile(writeFile(t, "doc.json", tt.text))
			if !errors.Is(err, ErrDocument) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an ErrDocument that says %q", err, tt.want)
			}
			if len(Findings(err)) != 1 {
				t.Errorf("got %d findings, want one: %v", len(Findings(err)), err)
			}
		})
	}
}

func TestReadFileNamesTheDocumentAfterTheFile(t *testing.T) {
	d, err := ReadFile(writeFile(t, "deploy.json", allowAll))
	if err != nil || d.Name != "deploy" {
		t.Errorf("got %q, %v", d.Name, err)
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "missing.json")); !errors.Is(err, ErrDocument) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: got %v", err)
	}
}

func TestFindingsOfOtherErrors(t *testing.T) {
	for text, want := range map[string]Finding{
		"policy error: own policy is refused:\na/b.rego:3: unsafe": {File: "a/b.rego", Line: 3, Severity: Error, Message: "unsafe"},
		"policy error: read policy: lstat x: no such file":         {Severity: Error, Message: "read policy: lstat x: no such file"},
		"policy error: data.ecsmcp is the proxy's own":             {Severity: Error, Message: "data.ecsmcp is the proxy's own"},
	} {
		if got := Findings(errors.New(text)); len(got) != 1 || got[0] != want {
			t.Errorf("%q: got %+v", text, got)
		}
	}
	if got := Findings(nil); got != nil {
		t.Errorf("no error: got %+v", got)
	}
}
