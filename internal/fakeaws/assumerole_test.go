package fakeaws

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

const sessionPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:ListClusters","Resource":"*"}]}`

func tag(key, v string) types.Tag { return types.Tag{Key: aws.String(key), Value: aws.String(v)} }

// padded is a policy of exactly n characters.
func padded(n int) string {
	head, tail := `{"Version":"2012-10-17","Id":"`, `",`+sessionPolicy[len(`{"Version":"2012-10-17",`):]
	return head + strings.Repeat("a", n-len(head)-len(tail)) + tail
}

func TestLimitsOfAssumeRole(t *testing.T) {
	fifty := func(n int) (tags []types.Tag) {
		for i := range n {
			tags = append(tags, tag(fmt.Sprintf("k%d", i), ""))
		}
		return tags
	}
	type input = sts.AssumeRoleInput
	cases := []struct {
		name   string
		change func(*input)
		want   string // error code
		says   string
	}{
		{"a usual call", func(*input) {}, "", ""},
		{"no policy is answered", func(in *input) { in.Policy = nil }, "", ""},
		{"2,048 characters of white space", func(in *input) { *in.Policy += strings.Repeat(" ", 2048-len(*in.Policy)) }, "", ""},
		{"2,049 characters", func(in *input) { *in.Policy += strings.Repeat(" ", 2049-len(*in.Policy)) }, "ValidationError", "less than or equal to 2048"},
		{"characters are counted, not bytes", func(in *input) {
			*in.Policy = strings.Replace(padded(2048), "aaaaaaaaaa", "éééééééééé", 1)
		}, "PackedPolicyTooLarge", "please use smaller policy"},
		{"a policy with a character over U+00FF", func(in *input) { *in.Policy += "€" }, "ValidationError", "'policy'"},
		{"a policy that is no JSON", func(in *input) { in.Policy = aws.String("{") }, "MalformedPolicyDocument", ""},
		{"a policy with an unknown element", func(in *input) { *in.Policy = strings.Replace(*in.Policy, "Effect", "effect", 1) }, "MalformedPolicyDocument", "effect"},
		{"a policy with an unknown operator", func(in *input) {
			in.Policy = aws.String(one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateGreater":{"aws:CurrentTime":"2026-01-01"}}`))
		}, "MalformedPolicyDocument", "DateGreater"},
		{"a session name of one character", func(in *input) { in.RoleSessionName = aws.String("a") }, "ValidationError", "roleSessionName"},
		{"a session name of 64", func(in *input) { in.RoleSessionName = aws.String(strings.Repeat("a", 64)) }, "", ""},
		{"a session name of 65", func(in *input) { in.RoleSessionName = aws.String(strings.Repeat("a", 65)) }, "ValidationError", "roleSessionName"},
		{"a session name with a slash", func(in *input) { in.RoleSessionName = aws.String("a/b") }, "ValidationError", "roleSessionName"},
		{"a session name with a new line", func(in *input) { in.RoleSessionName = aws.String("ab\n") }, "ValidationError", "roleSessionName"},
		{"every allowed character in a session name", func(in *input) { in.RoleSessionName = aws.String("Az_0+=,.@-") }, "", ""},
		{"a source identity with a colon", func(in *input) { in.SourceIdentity = aws.String("aws:alice") }, "ValidationError", "sourceIdentity"},
		{"a source identity of 64", func(in *input) { in.SourceIdentity = aws.String(strings.Repeat("a", 64)) }, "", ""},
		{"a source identity of 65", func(in *input) { in.SourceIdentity = aws.String(strings.Repeat("a", 65)) }, "ValidationError", "sourceIdentity"},
		{"899 seconds", func(in *input) { in.DurationSeconds = aws.Int32(899) }, "ValidationError", "between 900"},
		{"900 seconds", func(in *input) { in.DurationSeconds = aws.Int32(900) }, "", ""},
		{"43,201 seconds", func(in *input) { in.DurationSeconds = aws.Int32(43201) }, "ValidationError", "between 900"},
		{"longer than the role allows", func(in *input) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError", "MaxSessionDuration"},
		{"50 tags", func(in *input) { in.Tags = fifty(50) }, "", ""},
		{"51 tags", func(in *input) { in.Tags = fifty(51) }, "ValidationError", "'tags'"},
		{"a tag key of 129", func(in *input) { in.Tags = []types.Tag{tag(strings.Repeat("k", 129), "")} }, "ValidationError", "tags.member.key"},
		{"a tag key of none", func(in *input) { in.Tags = []types.Tag{tag("", "a")} }, "ValidationError", "tags.member.key"},
		{"a tag value of 256", func(in *input) { in.Tags = []types.Tag{tag("k", strings.Repeat("v", 256))} }, "", ""},
		{"a tag value of 257", func(in *input) { in.Tags = []types.Tag{tag("k", strings.Repeat("v", 257))} }, "ValidationError", "tags.member.value"},
		{"a tag value with a star", func(in *input) { in.Tags = []types.Tag{tag("k", "*")} }, "ValidationError", "tags.member.value"},
		{"a tag key that is reserved", func(in *input) { in.Tags = []types.Tag{tag("AWS:x", "")} }, "InvalidParameterValue", "reserved"},
		{"two tags that differ in case", func(in *input) { in.Tags = []types.Tag{tag("team", "a"), tag("Team", "b")} }, "InvalidParameterValue", "Duplicate tag keys"},
		{"a transitive key without its tag", func(in *input) { in.TransitiveTagKeys = []string{"team"} }, "InvalidParameterValue", "transitive"},
		{"a policy and tags that fit alone", func(in *input) {
			in.Policy = aws.String(padded(900))
			in.Tags = []types.Tag{tag("a", strings.Repeat("v", 150)), tag("b", strings.Repeat("v", 150))}
		}, "PackedPolicyTooLarge", "allotted space"},
		{"a managed policy, which is not supported here", func(in *input) {
			in.PolicyArns = []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}}
		}, "InvalidParameterValue", "PolicyArns"},
		{"an MFA code, which is not supported here", func(in *input) { in.TokenCode = aws.String("123456") }, "InvalidParameterValue", "TokenCode"},
		{"what is no role's ARN", func(in *input) { in.RoleArn = aws.String("arn:aws:iam::123456789012:user/base") }, "ValidationError", "role's ARN"},
		{"a role that is not there", func(in *input) { in.RoleArn = aws.String("arn:aws:iam::123456789012:role/nobody") }, "AccessDenied", "sts:AssumeRole"},
		{"a role of another account", func(in *input) { in.RoleArn = aws.String("arn:aws:iam::210987654321:role/mcp-reader") }, "AccessDenied", "sts:AssumeRole"},
	}
	w := newWorld(t, Role{})
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			before := len(w.Sessions())
			in := &input{RoleArn: aws.String(w.role), RoleSessionName: aws.String("call-1"), Policy: aws.String(sessionPolicy)}
			tc.change(in)
			out, err := w.sts().AssumeRole(context.Background(), in)
			if code(err) != tc.want || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("got %v, want %s %q", err, tc.want, tc.says)
			}
			if err == nil && (len(w.Sessions()) != before+1 || aws.ToInt32(out.PackedPolicySize) > 100) {
				t.Errorf("%d sessions, packed %d", len(w.Sessions()), aws.ToInt32(out.PackedPolicySize))
			}
			if err != nil && len(w.Sessions()) != before {
				t.Error("a refused call made a session")
			}
		})
	}
}

func TestWhatASessionIs(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := New(Config{Account: "210987654321", Region: "us-gov-west-1", Now: func() time.Time { return now }})
	arn, err := a.AddRole(Role{Name: "r", Identity: []string{allowAll}, MaxSession: 12 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if arn != "arn:aws-us-gov:iam::210987654321:role/r" {
		t.Error(arn)
	}
	p := assumeRoleParameters{roleARN: arn, sessionName: "s1", duration: 2 * time.Hour, tags: map[string]string{"a": "b"}}
	c := &call{aws: a, at: now}
	s, f := c.inherit(p)
	if f != nil || !s.expires.Equal(now.Add(2*time.Hour)) || s.tags["a"] != "b" || s.name != "s1" {
		t.Errorf("%+v %v", s, f)
	}

	w := newWorld(t, Role{})
	out, err := w.sts().AssumeRole(context.Background(), &sts.AssumeRoleInput{
		RoleArn: aws.String(w.role), RoleSessionName: aws.String("call-7"), Policy: aws.String(sessionPolicy),
		SourceIdentity: aws.String("alice"), DurationSeconds: aws.Int32(900), Tags: []types.Tag{tag("team", "blue")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := w.Sessions()[0]
	if got.AccessKeyID != *out.Credentials.AccessKeyId || got.RoleARN != w.role || got.Name != "call-7" || got.SourceIdentity != "alice" ||
		got.Policy != sessionPolicy || got.Tags["team"] != "blue" || got.PackedSize != int(*out.PackedPolicySize) || got.PackedSize == 0 {
		t.Errorf("recorded session: %+v", got)
	}
	if left := time.Until(*out.Credentials.Expiration); left < 14*time.Minute || left > 15*time.Minute {
		t.Errorf("expires in %v", left)
	}
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::123456789012:assumed-role/mcp-reader/call-7" || *out.SourceIdentity != "alice" {
		t.Errorf("%+v", out)
	}
	who, err := sts.NewFromConfig(w.config("us-east-1", w.assume(sessionPolicy))).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Account != account || *who.Arn != "arn:aws:sts::123456789012:assumed-role/mcp-reader/call-1" {
		t.Errorf("caller identity needs no permission: %+v %v", who, err)
	}
}

func TestViolations(t *testing.T) {
	w := newWorld(t, Role{})
	w.assume(sessionPolicy)
	w.assume(allowAll)
	if v := w.Violations(); len(v) != 0 {
		t.Fatalf("violations of lawful calls: %q", v)
	}
	w.assume("x", func(in *sts.AssumeRoleInput) { in.Policy = nil })
	w.assume(one(`"Effect":"Deny","Action":"*","Resource":"*"`))
	v := w.Violations()
	if len(v) != 2 || !strings.HasPrefix(v[0], "AssumeRole without a session policy: arn:aws:sts::123456789012:assumed-role/mcp-reader/") ||
		!strings.HasPrefix(v[1], "AssumeRole with a session policy that allows nothing") {
		t.Errorf("%q", v)
	}
}
