package reference

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Every line of the table is read, and every number in it is of something.
func TestTableIsWhole(t *testing.T) {
	if len(Services()) < 400 || Version() == "" || len(read().global) < 50 || len(read().detailed) != 19 {
		t.Fatalf("version %q, %d services, %d global keys, %d detailed", Version(), len(Services()), len(read().global), len(read().detailed))
	}
	for name, load := range read().detailed {
		s := load()
		if !HasService(name) || len(s.actions) == 0 {
			t.Errorf("%s: %d actions", name, len(s.actions))
		}
		_, blocks := cutServices(text)
		for _, block := range blocks {
			title, lines, _ := strings.Cut(block, "\n")
			if title != name {
				continue
			}
			for line := range strings.Lines(lines) {
				words := strings.Fields(line)
				if len(words) < 2 || words[0] == "type" || words[0] == "keys" {
					continue
				}
				a := Actions(name + ":" + words[0])
				if len(a) != 1 || words[1] != "-" && len(a[0].Types) != 1+strings.Count(words[1], ",") ||
					len(words) == 3 && len(a[0].Keys) != 1+strings.Count(words[2], ",") {
					t.Fatalf("%s: line %q reads as %+v", name, line, a)
				}
			}
		}
	}
}

func TestTheNoticeOfTheSourceIsKept(t *testing.T) {
	for _, want := range []string{"Copyright (c) 2024 Act Security", "The above copyright notice and this permission notice shall be included"} {
		if !strings.Contains(text, want) {
			t.Errorf("reference.txt does not say %q", want)
		}
	}
}

func TestActions(t *testing.T) {
	for pattern, want := range map[string][]string{
		"ecs:RunTask":        {"ecs:RunTask"},
		"ECS:runtask":        {"ecs:RunTask"},
		"ecs:List?lusters":   {"ecs:ListClusters"},
		"ecs:*lusters":       {"ecs:DescribeClusters", "ecs:ListClusters"},
		"ecs:RunTasks":       {},
		"dynamodb:GetItem":   {}, // known, not in detail
		"nothing:RunTask":    {},
		"ecs":                {},
		"sts:*Identity":      {"sts:GetCallerIdentity", "sts:SetSourceIdentity", "sts:AssumeRoleWithWebIdentity"},
		"tag:getResource?":   {"tag:GetResources"},
		"ecs:DescribeServic": {},
	} {
		names := []string{}
		for _, a := range Actions(pattern) {
			names = append(names, a.Name)
		}
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Errorf("%s: got %q, want %q", pattern, names, want)
		}
	}
}

func one(t testing.TB, name string) Action {
	t.Helper()
	all := Actions(name)
	if len(all) != 1 {
		t.Fatalf("%s: %d actions", name, len(all))
	}
	return all[0]
}

func TestWhatAnActionIsAuthorisedOn(t *testing.T) {
	for _, name := range []string{"ecs:DescribeTaskDefinition", "ecs:DeregisterTaskDefinition", "ecs:ListServices", "ecr:GetAuthorizationToken", "cloudformation:ListStacks"} {
		if one(t, name).Scopable() {
			t.Errorf("%s has resource-level permission", name)
		}
	}
	for _, tt := range []struct {
		action, pattern string
		want            bool
	}{
		{"ecs:StartTask", "arn:aws:ecs:us-east-1:123456789012:task-definition/web:*", true},
		{"ecs:StartTask", "arn:aws:ecs:us-east-1:123456789012:task-definition/web", false},
		{"ecs:StartTask", "arn:aws:ecs:us-east-1:123456789012:service/shop/web", false},
		{"ecs:StartTask", "arn:aws:ecs:*", true},
		{"ecs:StartTask", "*", true},
		{"ecs:UpdateService", "arn:aws:ecs:us-east-1:123456789012:service/web", true}, // the ARNs of old
		{"ecs:ListTasks", "arn:aws:ecs:us-east-1:123456789012:task/shop/*", false},
		{"logs:FilterLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web:*", true},
		{"iam:PassRole", "arn:aws:iam::123456789012:role/path/web", true},
		{"iam:PassRole", "arn:aws:ecs:*:*:role/web", false},
	} {
		if got := one(t, tt.action).On(tt.pattern); got != tt.want {
			t.Errorf("%s on %s: %v", tt.action, tt.pattern, got)
		}
	}
}

func TestWhatARequestCarries(t *testing.T) {
	for _, tt := range []struct {
		action, key string
		want        bool
	}{
		{"ecs:DeleteService", "aws:ResourceTag/Environment", true},
		{"ecs:DeleteService", "AWS:resourcetag/environment", true},
		{"ecs:DeregisterTaskDefinition", "aws:ResourceTag/Environment", false},
		{"ecs:DeregisterTaskDefinition", "aws:RequestedRegion", true},
		{"ecs:UpdateService", "aws:RequestTag/Environment", false},
		{"ecs:ListServices", "ecs:cluster", true},
		{"ecs:DeleteCluster", "ecs:cluster", false},
		{"iam:PassRole", "iam:PassedToService", true},
		{"s3:GetObject", "s3:ExistingObjectTag/a", true},
	} {
		if got := one(t, tt.action).Carries(tt.key); got != tt.want {
			t.Errorf("%s with %s: %v", tt.action, tt.key, got)
		}
	}
}

func TestFindKey(t *testing.T) {
	for name, want := range map[string]Key{
		"aws:requestedregion":        {Name: "aws:RequestedRegion"},
		"aws:ResourceTag/x/y":        {Name: "aws:ResourceTag/*"},
		"aws:TagKeys":                {Name: "aws:TagKeys", Many: true},
		"ecs:capacity-provider":      {Name: "ecs:capacity-provider", Many: true},
		"ecs:ResourceTag/a":          {Name: "ecs:ResourceTag/*"},
		"aws:ResourceTag":            {},
		"aws:ResourceTag/":           {},
		"aws:ResourseTag/a":          {},
		"ecs:clusters":               {},
		"dynamodb:LeadingKeys":       {},
		"kms:EncryptionContext:team": {Name: "kms:EncryptionContext:*"},
	} {
		if got, ok := FindKey(name); got != want || ok != (want.Name != "") {
			t.Errorf("%s: got %+v, %v", name, got, ok)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, tt := range []struct {
		what      func(string) string
		name, got string
	}{
		{NearestAction, "ecs:DeleteServise", "ecs:DeleteService"},
		{NearestAction, "ecs:DescribeService", "ecs:DescribeServices"},
		{NearestAction, "ecs:RnuTask", "ecs:RunTask"},
		{NearestAction, "ecs:Descibe*", "ecs:Describe*"},
		{NearestAction, "ecs:*Descibe*", ""},
		{NearestAction, "ecs:Frobnicate", ""},
		{NearestAction, "dynamodb:GetItm", ""},
		{NearestService, "esc", "ecs"},
		{NearestService, "cloudfromation", "cloudformation"},
		{NearestService, "elasticloadbalancingv2", "elasticloadbalancing"},
		{NearestService, "dynamdb", "dynamodb"},
		{NearestService, "frobnicate", ""},
		{NearestKey, "aws:ResourseTag/Environment", "aws:ResourceTag/Environment"},
		{NearestKey, "aws:RequestRegion", "aws:RequestedRegion"},
		{NearestKey, "aws:tag-keys", "aws:TagKeys"},
		{NearestKey, "ecs:clusters", "ecs:cluster"},
		{NearestKey, "ecs:frobnicate", ""},
	} {
		if got := tt.what(tt.name); got != tt.got {
			t.Errorf("nearest to %s: got %q, want %q", tt.name, got, tt.got)
		}
	}
}

// Two patterns meet exactly if some short text over their alphabet matches both.
func TestPatternsMeet(t *testing.T) {
	texts := []string{""}
	for from := 0; len(texts[from]) < 5; from++ {
		texts = append(texts, texts[from]+"a", texts[from]+"b")
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?")), 0, 5, -1)
		a, b := pattern.Draw(t, "a"), pattern.Draw(t, "b")
		want := slices.ContainsFunc(texts, func(text string) bool { return matches(a, text) && matches(b, text) })
		// Without stars nothing longer than a pattern can match; with them, the
		// letters of both together are enough.
		if got := meet(a, b); got != want && (want || len(strings.ReplaceAll(a+b, "*", "")) <= 5) {
			t.Errorf("%q and %q: got %v, want %v", a, b, got, want)
		}
	})
}

func BenchmarkActions(b *testing.B) {
	for b.Loop() {
		Actions("ecs:De*")
	}
}
