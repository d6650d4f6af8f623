package policy

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// doc writes a document with one statement.
func doc(statement string) string {
	return `{"Version": "2012-10-17", "Statement": [` + statement + `]}`
}

// with writes a document whose one Deny has the given Condition.
func with(condition string) string {
	return doc(`{"Effect": "Deny", "Action": "ecs:*", "Resource": "*", "Condition": ` + condition + `}`)
}

func TestReadDocumentAccepts(t *testing.T) {
	for name, text := range map[string]string{
		"lists and single values":          doc(`{"Sid": "A1", "Effect": "Allow", "Action": ["ecs:*", "ecr:List?mages"], "Resource": "*"}`),
		"a single statement":               `{"Statement": {"Effect": "Deny", "NotAction": "iam:*", "NotResource": "arn:aws:ecs:*"}}`,
		"the old version":                  `{"Version": "2008-10-17", "Id": "x", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`,
		"an ARN without region or account": doc(`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}`),
		"an ARN of AWS's own account":      doc(`{"Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "arn:aws:iam::aws:policy/*"}`),
		"a short ARN with a star":          doc(`{"Effect": "Allow", "Action": "ecs:*", "Resource": "arn:aws:ecs:*"}`),
		"a variable in a resource":         doc(`{"Effect": "Allow", "Action": "ecs:*", "Resource": "arn:aws:ecs:*:*:cluster/${aws:PrincipalTag/team}"}`),
		"unquoted values":                  with(`{"Bool": {"aws:SecureTransport": false}, "NumericLessThan": {"ecs:task-cpu": [256, "512.5"]}}`),
		"operators in any case":            with(`{"foranyvalue:stringlikeifexists": {"aws:TagKeys": ["a"]}, "NULL": {"aws:TagKeys": "TRUE"}}`),
		"dates":                            with(`{"DateLessThan": {"aws:CurrentTime": ["2026-01-01T00:00:00Z", "2026-01-01", "1767225600"]}}`),
		"addresses":                        with(`{"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::1"]}}`),
		"ARNs":                             with(`{"ArnLike": {"ecs:cluster": ["arn:aws:ecs:*:*:cluster/*", "*"]}}`),
		"base64":                           with(`{"BinaryEquals": {"x:y": "aGVsbG8="}}`),
		"a Deny with a default":            with(`{"StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team, 'none'}"}}`),
		"a Deny with a positive variable":  with(`{"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}`),
		"an escaped dollar":                with(`{"StringNotEquals": {"aws:ResourceTag/team": "${$}{x"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadDocument("doc", []byte(text)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReadDocumentRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":                                   {``, "is empty"},
		"no JSON":                                   {`Version: 1`, "invalid character"},
		"a comment":                                 {`{ // x` + "\n}", "no comments"},
		"a trailing comma":                          {`{"Version": "2012-10-17",}`, "remove the comma"},
		"a second document":                         {doc(``) + `{}`, "after the end"},
		"a list":                                    {`[]`, "must be a JSON object"},
		"an equal key":                              {doc(`{"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}`), "merge them"},
		"an equal key, escaped":                     {doc(`{"Effect": "Deny", "\u0045ffect": "Allow", "Action": "*", "Resource": "*"}`), "merge them"},
		"two blocks of one operator":                {with(`{"StringEquals": {"a:b": "1"}, "StringEquals": {"a:c": "1"}}`), "merge them"},
		"invalid UTF-8":                             {doc(`{"Sid": "` + "\xff" + `"}`), "UTF-8"},
		"a lone surrogate":                          {doc(`{"Sid": "\ud800"}`), "surrogate"},
		"an unknown element":                        {`{"Statements": []}`, "Statements: is no element"},
		"no statement":                              {`{"Version": "2012-10-17"}`, "Statement: is missing"},
		"no statement in the list":                  {doc(``), "Statement: is missing or empty"},
		"a statement that is none":                  {doc(`"x"`), "Statement[0]: must be an object"},
		"another version":                           {`{"Version": "2012-10-18", "Statement": []}`, "Version: must be"},
		"a misspelled element":                      {doc(`{"effect": "Deny", "Action": "*", "Resource": "*"}`), "Statement[0].effect: is no element"},
		"a misspelled effect":                       {doc(`{"Effect": "deny", "Action": "*", "Resource": "*"}`), `must be "Allow" or "Deny"`},
		"a principal":                               {doc(`{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}`), "Statement[0].Principal: belongs to resource policies"},
		"Action and NotAction":                      {doc(`{"Effect": "Deny", "Action": "*", "NotAction": "iam:*", "Resource": "*"}`), "exactly one of Action and NotAction"},
		"no resource":                               {doc(`{"Effect": "Deny", "Action": "*"}`), "exactly one of Resource and NotResource"},
		"an empty list":                             {doc(`{"Effect": "Deny", "Action": [], "Resource": "*"}`), "Statement[0].Action: is empty"},
		"an action that is no text":                 {doc(`{"Effect": "Deny", "Action": [1], "Resource": "*"}`), "must be a string"},
		"an action without a service":               {doc(`{"Effect": "Deny", "Action": "DeleteService", "Resource": "*"}`), "is no action"},
		"a wildcard in the service":                 {doc(`{"Effect": "Deny", "Action": "ec*:DeleteService", "Resource": "*"}`), "is no action"},
		"a variable in an action":                   {doc(`{"Effect": "Deny", "Action": "ecs:${aws:x}", "Resource": "*"}`), "is no action"},
		"an equal Sid":                              {doc(`{"Sid": "A", "Effect": "Deny", "Action": "*", "Resource": "*"}, {"Sid": "A", "Effect": "Deny", "Action": "*", "Resource": "*"}`), "Statement[1].Sid"},
		"a Sid with a blank":                        {doc(`{"Sid": "a b", "Effect": "Deny", "Action": "*", "Resource": "*"}`), "letters and digits"},
		"a resource that is no ARN":                 {doc(`{"Effect": "Deny", "Action": "*", "Resource": "cluster/shop"}`), "is no ARN"},
		"a short ARN without a star":                {doc(`{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ecs:us-east-1"}`), "matches nothing"},
		"AWS's example account":                     {doc(`{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ecs:us-east-1:ACCOUNT_ID:cluster/a"}`), "placeholder ACCOUNT_ID"},
		"AWS's example region":                      {doc(`{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ecs:REGION:1:cluster/a"}`), `"REGION" is no region`},
		"AWS's example cluster":                     {doc(`{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ecs:us-east-1:1:cluster/CLUSTER_NAME"}`), "placeholder CLUSTER_NAME"},
		"our own placeholder":                       {doc(`{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ecs:{{region}}:1:cluster/a"}`), "placeholder {{region}}"},
		"a placeholder in a value":                  {with(`{"StringNotEquals": {"aws:RequestedRegion": "{{region}}"}}`), "placeholder {{region}}"},
		"a mark of the evaluator":                   {doc(`{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ecs:*:*:` + "\ue000" + `"}`), "private-use"},
		"a control character":                       {doc(`{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ecs:*:*:a\u0000"}`), "control"},
		"a variable that is not shut":               {doc(`{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ecs:*:*:${aws:x"}`), "is not closed"},
		"a variable without a key":                  {doc(`{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ecs:*:*:${}"}`), "without a key"},
		"a condition that is none":                  {with(`[]`), "object of operators"},
		"an unknown operator":                       {with(`{"StringEqual": {"aws:x": "a"}}`), "Condition.StringEqual: is no condition operator"},
		"Null with IfExists":                        {with(`{"NullIfExists": {"aws:x": "true"}}`), "is no condition operator"},
		"Null with a set operator":                  {with(`{"ForAnyValue:Null": {"aws:x": "true"}}`), "is no condition operator"},
		"an operator without keys":                  {with(`{"StringEquals": {}}`), "object of condition keys"},
		"a key in two spellings":                    {with(`{"StringEquals": {"aws:x": "a", "AWS:X": "b"}}`), "one condition key"},
		"a key that is none":                        {with(`{"StringEquals": {"Environment": "a"}}`), "is no condition key"},
		"no value":                                  {with(`{"StringEquals": {"aws:x": []}}`), "no value"},
		"a value that is an object":                 {with(`{"StringEquals": {"aws:x": {}}}`), "must be a string"},
		"a bool that is none":                       {with(`{"Bool": {"aws:x": "yes"}}`), `neither "true" nor "false"`},
		"a number that is none":                     {with(`{"NumericEquals": {"aws:x": "12abc"}}`), "no decimal number"},
		"a number with an exponent":                 {with(`{"NumericEquals": {"aws:x": 1e3}}`), "no decimal number"},
		"a date that is none":                       {with(`{"DateEquals": {"aws:x": "2026-13-01T00:00:00Z"}}`), "is no date"},
		"an address that is none":                   {with(`{"IpAddress": {"aws:x": "10.0.0.0/33"}}`), "no IP address"},
		"an ARN condition on no ARN":                {with(`{"ArnEquals": {"aws:x": "shop"}}`), "is no ARN"},
		"base64 that is none":                       {with(`{"BinaryEquals": {"aws:x": "!"}}`), "not base64"},
		"a Deny that a missing variable would undo": {with(`{"StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}`), "undo this Deny"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ReadDocument("doc", []byte(tt.text))
			if !errors.Is(err, ErrDocument) || d.JSON != nil {
				t.Fatalf("got %+v, %v; want an ErrDocument", d, err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
		})
	}
}

func TestReadDocumentTellsEveryMistake(t *testing.T) {
	_, err := ReadDocument("doc", []byte(doc(`{"Effect": "deny", "Action": "x", "Resource": "y"}, {"Effect": "Allow"}`)))
	for _, want := range []string{"Statement[0].Effect", "Statement[0].Action", "Statement[0].Resource", "Statement[1]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestReadDocumentRefusesAnUnsayableName(t *testing.T) {
	for _, name := range []string{"", "a/b", "a\nb"} {
		if _, err := ReadDocument(name, []byte(doc(`{"Effect": "Deny", "Action": "*", "Resource": "*"}`))); !errors.Is(err, ErrDocument) {
			t.Errorf("name %q: got %v", name, err)
		}
	}
}

// checkFindings: what is refused is refused for reasons, each in a line that the
// text has.
func checkFindings(t *testing.T, b []byte) {
	_, err := readDocument("doc", "doc.json", b)
	findings := Findings(err)
	if len(findings) == 0 {
		t.Fatalf("refused for nothing: %v", err)
	}
	for _, f := range findings {
		if f.Message == "" || f.Line < 1 || f.Line > 1+bytes.Count(b, []byte("\n")) || f.File != "doc.json" {
			t.Fatalf("finding %+v", f)
		}
	}
}

// What is accepted keeps its meaning: it reads again as itself, it compiles, and
// a decision under it is one.
func FuzzReadDocument(f *testing.F) {
	f.Add([]byte(doc(`{"Sid": "A", "Effect": "Allow", "Action": ["ecs:*"], "Resource": "*"}`)))
	f.Add([]byte(`{"Statement": {"Effect": "Deny", "NotAction": "iam:*", "NotResource": "arn:aws:ecs:*"}}`))
	f.Add([]byte(doc(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:ecs:*:*:service/${aws:PrincipalTag/a, 'b'}/*"}`)))
	f.Add([]byte("{\n\"Statement\": [{\"Effect\": \"deny\",\n\"Effect\": 1, \"Action\": [\"ecs:DeleteServise\", {}],}]}"))
	f.Add([]byte(`{"PolicyVersion": {"Document": {}}}`))
	for _, c := range []string{
		`{"StringNotLikeIfExists": {"aws:ResourceTag/a": ["x*", "${$}"]}}`, `{"Bool": {"aws:x": true}}`, `{"Null": {"aws:x": "false"}}`,
		`{"ForAllValues:ArnLike": {"aws:TagKeys": "arn:*"}}`, `{"NotIpAddress": {"aws:SourceIp": "::1"}}`, `{"DateLessThan": {"aws:x": "2026-01-01"}}`,
		`{"NumericEquals": {"aws:RequestedRegion": -1.5}}`,
	} {
		f.Add([]byte(with(c)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ReadDocument("doc", b)
		if err != nil {
			if !errors.Is(err, ErrDocument) {
				t.Fatalf("refused with %v, which is no ErrDocument", err)
			}
			checkFindings(t, b)
			return
		}
		for _, w := range d.Warnings() {
			if w.Severity != Warning || w.Message == "" {
				t.Fatalf("%s: warning %+v", d.JSON, w)
			}
		}
		again, err := ReadDocument("doc", d.JSON)
		if err != nil || string(again.JSON) != string(d.JSON) {
			t.Fatalf("%s reads again as %s, %v", d.JSON, again.JSON, err)
		}
		e, err := New(t.Context(), map[string]Persona{"p": {Identity: []Document{d}}})
		if err != nil {
			t.Fatal(err)
		}
		decision, err := e.Decide(t.Context(), request("p", deleteService(in("us-east-1"), "aws:ResourceTag/*")))
		if err != nil {
			t.Fatalf("%s: %v", d.JSON, err)
		}
		if len(decision.Accesses) != 1 {
			t.Fatalf("%s: %s", d.JSON, fmt.Sprint(decision))
		}
	})
}
