package policy

import (
	"slices"
	"strings"
	"testing"
)

// warned returns the warnings of a document with the statements.
func warned(t testing.TB, statements string) []Finding {
	t.Helper()
	return read(t, "doc", doc(statements)).Warnings()
}

// stated writes a statement: members beside an Effect.
func stated(effect, members string) string { return `{"Effect": "` + effect + `", ` + members + `}` }

const anywhere = `"Resource": "*"`

func TestWarningsOfADocument(t *testing.T) {
	for name, tt := range map[string]struct{ statement, want string }{
		"a misspelled action":                        {stated("Deny", `"Action": "ecs:DeleteServise", `+anywhere), "Statement[0].Action: ecs:DeleteServise is no action that AWS has; is ecs:DeleteService meant?"},
		"an action like no other":                    {stated("Deny", `"Action": "ecs:Frobnicate", `+anywhere), "ecs:Frobnicate is no action that AWS has"},
		"a misspelled action in NotAction":           {stated("Deny", `"NotAction": ["iam:*", "sts:GetCallerIdentiy"], `+anywhere), "Statement[0].NotAction[1]: sts:GetCallerIdentiy is no action that AWS has; is sts:GetCallerIdentity meant?"},
		"a misspelled service":                       {stated("Allow", `"Action": "esc:DescribeServices", `+anywhere), "AWS has no service esc; is ecs meant?"},
		"the service of the Express Mode example":    {stated("Allow", `"Action": "ecs-dev:CreateService", `+anywhere), "AWS has no service ecs-dev; Express Mode's actions are"},
		"a wildcard that matches nothing":            {stated("Allow", `"Action": ["ecs:List*", "ecs:Descibe*"], `+anywhere), "Statement[0].Action[1]: ecs:Descibe* matches no action of ecs; is ecs:Describe* meant?"},
		"an mcp action that there is not":            {stated("Allow", `"Action": "mcp:CallTools", `+anywhere), "mcp:CallTools matches none of mcp:CallTool, mcp:GetPrompt, mcp:ReadResource"},
		"an ARN for an action without resources":     {stated("Allow", `"Action": ["ecs:DescribeTaskDefinition", "ecs:StopTask"], "Resource": "arn:aws:ecs:us-east-1:123456789012:task/shop/*"`), `ecs:DescribeTaskDefinition has no resource-level permission, so with these resources this never allows it; write a statement of its own with "Resource": "*"`},
		"an ARN for several":                         {stated("Deny", `"Action": ["ecs:ListServices", "ecs:DeregisterTaskDefinition"], "Resource": "arn:aws:ecs:*"`), "ecs:ListServices and ecs:DeregisterTaskDefinition have no resource-level permission, so with these resources this never denies it"},
		"an ARN of another type":                     {stated("Allow", `"Action": "ecs:StartTask", "Resource": ["arn:aws:ecs:us-east-1:123456789012:service/shop/web", "arn:aws:ecs:us-east-1:123456789012:task/shop/*"]`), "ecs:StartTask is authorised on arn:*:ecs:*:*:task-definition/*:*, which none of the resources is, so this never allows it"},
		"an ARN of another service":                  {stated("Deny", `"Action": "ecs:DeleteCluster", "Resource": "arn:aws:ecr:*:*:repository/*"`), "ecs:DeleteCluster is authorised on arn:*:ecs:*:*:cluster/*"},
		"a task definition without its revision":     {stated("Allow", `"Action": "ecs:RunTask", "Resource": "arn:aws:ecs:us-east-1:123456789012:task-definition/web"`), "task-definition/*:*, which none of the resources is"},
		"a resource too many":                        {stated("Allow", `"Action": ["ecs:StopTask", "ecs:Describe*Tasks"], "Resource": ["arn:aws:ecs:*:*:task/shop/*", "arn:aws:s3:::bucket"]`), "Statement[0].Resource[1]: no action of the statement is authorised on such a resource"},
		"a misspelled global key":                    {stated("Deny", `"Action": "ecs:*", `+anywhere+`, "Condition": {"StringEquals": {"aws:ResourseTag/Environment": "x"}}`), "aws:ResourseTag/Environment is no condition key that AWS has; is aws:ResourceTag/Environment meant?"},
		"a misspelled key of a service":              {stated("Deny", `"Action": "ecs:*", `+anywhere+`, "Condition": {"ArnEquals": {"ecs:clusters": "arn:aws:ecs:*"}}`), "ecs:clusters is no condition key that AWS has; is ecs:cluster meant?"},
		"a misspelled service of a key":              {stated("Deny", `"Action": "ecs:*", `+anywhere+`, "Condition": {"ArnEquals": {"esc:cluster": "arn:aws:ecs:*"}}`), "esc:cluster: AWS has no service esc; is ecs meant?"},
		"a tag key that is missing":                  {stated("Deny", `"Action": "ecs:*", `+anywhere+`, "Condition": {"StringEquals": {"aws:ResourceTag": "x"}}`), "aws:ResourceTag wants a name behind it, such as aws:ResourceTag/Environment"},
		"a tag key that is empty":                    {stated("Deny", `"Action": "ecs:*", `+anywhere+`, "Condition": {"StringEquals": {"aws:ResourceTag/": "x"}}`), "wants a name behind it"},
		"a key that the action has not":              {stated("Allow", `"Action": "ecs:DeleteCluster", `+anywhere+`, "Condition": {"ArnEquals": {"ecs:cluster": "arn:aws:ecs:*"}}`), "no request for ecs:DeleteCluster carries ecs:cluster, so this never allows anything"},
		"a tag of what has none":                     {stated("Deny", `"Action": ["ecs:DeregisterTaskDefinition", "ecs:ListClusters"], `+anywhere+`, "Condition": {"StringEqualsIgnoreCase": {"aws:ResourceTag/Environment": "production"}}`), "no action of the statement carries aws:ResourceTag/Environment, so this never denies anything"},
		"a key that is absent from a negation":       {stated("Deny", `"Action": "ecs:DeleteCluster", `+anywhere+`, "Condition": {"ArnNotEquals": {"ecs:cluster": "arn:aws:ecs:*"}}`), "so ArnNotEquals always holds"},
		"Null of a key that there never is":          {stated("Deny", `"Action": "ecs:DeleteCluster", `+anywhere+`, "Condition": {"Null": {"ecs:cluster": "true"}}`), "the answer is always the same"},
		"many values without a set operator":         {stated("Deny", `"Action": "ecs:TagResource", `+anywhere+`, "Condition": {"StringEquals": {"aws:TagKeys": "Environment"}}`), "write ForAnyValue:StringEquals or ForAllValues:StringEquals"},
		"ForAllValues in an Allow":                   {stated("Allow", `"Action": "ecs:TagResource", `+anywhere+`, "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}`), `add "Null": {"aws:TagKeys": "false"}`},
		"a boundary of exact comparison":             {stated("Deny", `"Action": "ecs:DeleteService", `+anywhere+`, "Condition": {"StringLike": {"aws:ResourceTag/Environment": ["production", "prod"]}}`), "without a wildcard StringLike compares exactly"},
		"everything but":                             {stated("Allow", `"NotAction": "iam:*", `+anywhere), "an Allow with NotAction allows every other action"},
		"everywhere but":                             {stated("Allow", `"Action": "ecs:*", "NotResource": "arn:aws:ecs:*:*:cluster/a"`), "an Allow with NotResource allows the actions on everything else"},
		"any role to any service":                    {stated("Allow", `"Action": ["ecs:RunTask", "iam:PassRole"], `+anywhere), "Statement[0].Action[1]: iam:PassRole on every role hands any role to any service"},
		"any role to any service, by a wildcard":     {stated("Allow", `"Action": "iam:Pass*", "Resource": "arn:aws:iam::123456789012:role/*"`), "iam:Pass* on every role"},
		"a wildcard that would have to cross colons": {stated("Allow", `"Action": "ecs:*", "Resource": "arn:*:cluster*"`), "does not cross a colon here"},
	} {
		t.Run(name, func(t *testing.T) {
			found := warned(t, tt.statement)
			if len(found) != 1 || !strings.Contains(found[0].String(), tt.want) || found[0].Severity != Warning {
				t.Errorf("got %v, want one warning that says %q", found, tt.want)
			}
		})
	}
}

func TestNoWarningOfWhatIsMeant(t *testing.T) {
	for name, statement := range map[string]string{
		"everything":                             stated("Allow", `"Action": "*", `+anywhere),
		"a service that is not known in detail":  stated("Allow", `"Action": ["dynamodb:GetItm", "lambda:*"], "Resource": "arn:aws:dynamodb:*:*:table/x"`),
		"wildcards of some without resources":    stated("Allow", `"Action": "ecs:Describe*", "Resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/*"`),
		"actions in another case":                stated("Allow", `"Action": "ECS:describeservices", "Resource": "arn:aws:ecs:*:*:service/shop/*"`),
		"the ARNs of old":                        stated("Allow", `"Action": "ecs:UpdateService", "Resource": "arn:aws:ecs:us-east-1:123456789012:service/web"`),
		"a short ARN":                            stated("Allow", `"Action": "ecs:UpdateService", "Resource": "arn:*:ecs:*"`),
		"a variable in an ARN":                   stated("Allow", `"Action": "ecs:UpdateService", "Resource": "arn:aws:ecs:*:*:${aws:PrincipalTag/kind, 'service'}/shop/web"`),
		"a log group with and without its star":  stated("Allow", `"Action": ["logs:FilterLogEvents", "logs:GetLogEvents"], "Resource": ["arn:aws:logs:*:*:log-group:/ecs/web", "arn:aws:logs:*:*:log-group:/ecs/web:*"]`),
		"the region lock":                        stated("Deny", `"NotAction": ["iam:*", "sts:*"], `+anywhere+`, "Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}`),
		"a key that some of the actions have":    stated("Deny", `"Action": ["ecs:DeleteCluster", "ecs:DeregisterTaskDefinition"], `+anywhere+`, "Condition": {"StringEqualsIgnoreCase": {"aws:ResourceTag/Environment": "prod"}}`),
		"a key of an identity provider":          stated("Allow", `"Action": "ecs:*", `+anywhere+`, "Condition": {"StringEquals": {"saml:aud": "x"}}`),
		"a key of a service not known in detail": stated("Allow", `"Action": "dynamodb:*", `+anywhere+`, "Condition": {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": "x"}}`),
		"the proxy's own key":                    stated("Deny", `"Action": "ecs:DeregisterTaskDefinition", `+anywhere+`, "Condition": {"StringEquals": {"ecs-mcp-proxy:SubjectTag/Environment": "x"}}`),
		"ForAllValues with Null":                 stated("Allow", `"Action": "ecs:TagResource", `+anywhere+`, "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}, "Null": {"aws:TagKeys": "false"}}`),
		"ForAllValues in a Deny":                 stated("Deny", `"Action": "ecs:TagResource", `+anywhere+`, "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}`),
		"StringLike with a wildcard":             stated("Deny", `"Action": "ecs:DeleteService", `+anywhere+`, "Condition": {"StringLike": {"aws:ResourceTag/Environment": ["prod*", "live"]}}`),
		"roles by name":                          stated("Allow", `"Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/app-*"`),
		"every role to tasks":                    stated("Allow", `"Action": "iam:PassRole", `+anywhere+`, "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}`),
		"mcp actions":                            stated("Allow", `"Action": ["mcp:*", "mcp:Get*", "mcp:ReadResource"], "Resource": "arn:ecs-mcp-proxy:mcp:::x/*"`),
	} {
		t.Run(name, func(t *testing.T) {
			if found := warned(t, statement); len(found) > 0 {
				t.Errorf("got %v", found)
			}
		})
	}
}

func TestVariablesOfTheOldVersionAreText(t *testing.T) {
	d := read(t, "doc", `{"Version": "2008-10-17", "Statement": [`+stated("Allow", `"Action": "ecs:StopTask", "Resource": "arn:aws:ecs:*:*:task/${aws:PrincipalTag/team}/*"`)+`]}`)
	if found := d.Warnings(); len(found) != 1 || !strings.Contains(found[0].Message, `write "Version": "2012-10-17"`) {
		t.Errorf("got %v", found)
	}
}

// A file's warnings have its lines, and keep them through New.
func TestWarningsHaveLines(t *testing.T) {
	path := writeFile(t, "own.json", "{\n\"Statement\": {\n\"Effect\": \"Allow\",\n\"Action\": [\"ecs:ListClusters\",\n\"ecs:RunTsk\"],\n\"Resource\": \"*\"}}")
	d, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := path + ":5: Statement[0].Action[1]: ecs:RunTsk is no action that AWS has; is ecs:RunTask meant?"
	e, err := New(t.Context(), map[string]Persona{"a": {Identity: []Document{d}}, "b": {Identity: []Document{d}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Warnings(); !slices.Equal(got, []string{want}) {
		t.Errorf("got %q, want %q once", got, want)
	}
}

// The boundary and the policies as AWS's examples have them: what is in them
// that does not work is said.
func TestWarningsOfTheExamples(t *testing.T) {
	for _, tt := range []struct {
		statement string
		want      []string
	}{
		{stated("Deny", `"Action": ["ecs:DeleteCluster", "ecs:DeleteService", "ecs:DeregisterTaskDefinition"], `+anywhere+`, "Condition": {"StringLike": {"aws:ResourceTag/Environment": "production"}}`),
			[]string{"StringLike compares exactly"}},
		{stated("Allow", `"Action": ["ecs-dev:CreateService", "ecs-dev:UpdateService"], `+anywhere), []string{"no service ecs-dev", "no service ecs-dev"}},
		{stated("Allow", `"Action": ["ecs:DescribeServices", "ecs:ListServices", "ecs:DescribeTasks", "ecs:ListTasks", "ecs:DescribeTaskDefinition"], "Resource": ["arn:aws:ecs:us-east-1:123456789012:service/shop/*", "arn:aws:ecs:us-east-1:123456789012:task/shop/*", "arn:aws:ecs:us-east-1:123456789012:task-definition/*:*"]`),
			[]string{"ecs:ListServices and ecs:DescribeTaskDefinition have no resource-level permission", "ecs:ListTasks is authorised on arn:*:ecs:*:*:container-instance/"}},
		{stated("Allow", `"Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/*"`), []string{"hands any role to any service"}},
	} {
		found := warned(t, tt.statement)
		if len(found) != len(tt.want) {
			t.Errorf("%s: got %v", tt.statement, found)
			continue
		}
		for i, want := range tt.want {
			if !strings.Contains(found[i].Message, want) {
				t.Errorf("%s: got %v, want %q", tt.statement, found[i], want)
			}
		}
	}
}

func TestBuiltinDocumentsGiveNoWarning(t *testing.T) {
	for _, name := range BuiltinNames() {
		if found := shipped(t, name).Warnings(); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func BenchmarkWarnings(b *testing.B) {
	personas := builtinPersonas(b)
	for b.Loop() {
		Review(personas)
	}
}
