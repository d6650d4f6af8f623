package policy

import (
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"
	"pgregory.net/rapid"
)

// What IAM takes in silence and then never matches, or what only one of loader
// and evaluator could read: a Deny with it would be lost.
func TestReadDocumentRefusesWhatWouldNeverMatch(t *testing.T) {
	resource := func(text string) string {
		return doc(`{"Effect": "Deny", "Action": "*", "Resource": "` + text + `"}`)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"two set operators":                          {with(`{"ForAllValues:ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}`), "is no condition operator"},
		"a variable under a Bool":                    {with(`{"Bool": {"aws:SecureTransport": "${aws:PrincipalTag/secure}"}}`), "String and Arn operators only"},
		"a variable under a Numeric":                 {with(`{"NumericLessThan": {"ecs:task-cpu": "${aws:PrincipalTag/cpu, '256'}"}}`), "String and Arn operators only"},
		"a variable under a Date":                    {with(`{"DateLessThan": {"aws:CurrentTime": "${aws:PrincipalTag/until}"}}`), "String and Arn operators only"},
		"a variable under an IpAddress":              {with(`{"IpAddress": {"aws:SourceIp": "${aws:PrincipalTag/office}"}}`), "String and Arn operators only"},
		"a variable under Null":                      {with(`{"Null": {"aws:TagKeys": "${aws:PrincipalTag/x}"}}`), "String and Arn operators only"},
		"a variable in an ARN's region":              {resource("arn:aws:ecs:${aws:RequestedRegion}:*:cluster/a"), "after the fifth colon"},
		"a variable in an ARN's account":             {resource("arn:aws:ecs:*:${aws:PrincipalAccount}:cluster/a"), "after the fifth colon"},
		"a variable for a whole ARN":                 {resource("arn:${aws:PrincipalTag/rest}"), "after the fifth colon"},
		"a default without quotes":                   {resource("arn:aws:ecs:*:*:cluster/${aws:PrincipalTag/a, none}"), "is no policy variable"},
		"a default that holds a brace":               {resource("arn:aws:ecs:*:*:cluster/${aws:PrincipalTag/a, 'b}c'}"), "is no policy variable"},
		"a default without a blank":                  {resource("arn:aws:ecs:*:*:cluster/${aws:PrincipalTag/a,'b'}"), "is no policy variable"},
		"a variable with blanks about it":            {resource("arn:aws:ecs:*:*:cluster/${ aws:PrincipalTag/a }"), "is no policy variable"},
		"a variable without a service":               {resource("arn:aws:ecs:*:*:cluster/${username}"), "is no policy variable"},
		"a variable with a wildcard":                 {resource("arn:aws:ecs:*:*:cluster/${aws:PrincipalTag/*}"), "is no policy variable"},
		"a date with a comma":                        {with(`{"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00,5Z"}}`), "is no date"},
		"a date with one digit for the hour":         {with(`{"DateLessThan": {"aws:CurrentTime": "2026-01-01T1:00:00Z"}}`), "is no date"},
		"a date that nanoseconds cannot count":       {with(`{"DateLessThan": {"aws:CurrentTime": "9999-12-31T23:59:59Z"}}`), "a year from 1678 to 2261"},
		"a day that nanoseconds cannot count":        {with(`{"DateLessThan": {"aws:CurrentTime": "1066-10-14"}}`), "a year from 1678 to 2261"},
		"base64 in a second spelling":                {with(`{"BinaryEquals": {"x:y": "aGVsbG9="}}`), "not base64"},
		"base64 with a line break":                   {with(`{"BinaryEquals": {"x:y": "aGVs\nbG8="}}`), "control"},
		"a short ARN whose end is not a whole part":  {resource("arn:aws:ecs:*:service/shop"), "matches nothing"},
		"a wildcard that ought to cross many colons": {resource("arn:*:cluster/a"), "matches nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ReadDocument("doc", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %s, %v; want an error that says %q", d.JSON, err, tt.want)
			}
		})
	}
}

func TestReadDocumentAcceptsWhatAWSReplaces(t *testing.T) {
	for name, text := range map[string]string{
		"a tag key with blanks":      doc(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:ecs:*:*:cluster/${aws:PrincipalTag/cost center}"}`),
		"an empty default":           doc(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:ecs:*:*:cluster/${aws:PrincipalTag/a, ''}"}`),
		"a default with blanks":      doc(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:ecs:*:*:cluster/${aws:PrincipalTag/a, 'b c, d'}"}`),
		"the escaped signs":          with(`{"StringLike": {"aws:ResourceTag/a": "${*}${?}${$}*"}}`),
		"a variable in ArnLike":      with(`{"ArnLike": {"ecs:cluster": "arn:aws:ecs:*:*:cluster/${aws:PrincipalTag/a}"}}`),
		"literal text, old version":  `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:ecs:*:*:cluster/${ x"}}`,
		"the first and the last day": with(`{"DateLessThan": {"aws:CurrentTime": ["1678-01-01", "2261-12-31T23:59:59.999999999-12:00"]}}`),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadDocument("doc", []byte(text)); err != nil {
				t.Error(err)
			}
		})
	}
}

// What the loader lets in the evaluator can read: a value that it could not read
// would never match, nor would a Deny with it.
func TestEvaluatorReadsWhatTheLoaderTakes(t *testing.T) {
	read := map[string]rego.PreparedEvalQuery{
		"number":  query(t, "x := data.ecsmcp.iam.number(input)"),
		"date":    query(t, "x := data.ecsmcp.iam.instant(input)"),
		"address": query(t, "net.cidr_is_valid(data.ecsmcp.iam.network(input))"),
	}
	pieces := map[string][]string{
		"number":  {"0", "7", "007", "-", "+", ".", "e", "5", " ", "99999999999999999999", "\n"},
		"date":    {"2026-01-31", "1678-01-01", "2261-12-31", "T", "00:00:00", "23:59:60", "1:00:00", ".5", ",5", ".", "Z", "z", "+01:00", "-12:00", "+25:00", "1767225600", "-1"},
		"address": {"10.0.0.0", "010.0.0.1", "10.1", "2001:db8::", "::", "::ffff:10.0.0.0", "/0", "/8", "/08", "/32", "/33", "/128", "%eth0", "/"},
	}
	for kind, prepared := range read {
		t.Run(kind, func(t *testing.T) {
			taken := 0
			rapid.Check(t, func(t *rapid.T) {
				text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces[kind]), 1, 5).Draw(t, "text"), "")
				if operandProblem(kind, text) != "" {
					return
				}
				taken++
				results, err := prepared.Eval(t.Context(), rego.EvalInput(text))
				if err != nil || len(results) != 1 {
					t.Fatalf("the loader takes %q, the evaluator answers %v, %v", text, results, err)
				}
			})
			if taken < 5 {
				t.Errorf("only %d texts were taken; draw better ones", taken)
			}
		})
	}
}
