package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const signed = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261124/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=00"

// answering returns a recorder in front of an AWS that always answers alike.
func answering(t *testing.T, status int, answer string) (*Recorder, string) {
	t.Helper()
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(aws.Close)
	target, err := url.Parse(aws.URL)
	if err != nil {
		t.Fatal(err)
	}
	rec := NewRecorder(target)
	front := httptest.NewServer(rec)
	t.Cleanup(front.Close)
	return rec, front.URL
}

func post(t *testing.T, url, service, target, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if service != "" {
		r.Header.Set("Authorization", strings.Replace(signed, "%s", service, 1))
	}
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp
}

func TestRecorderNotesWhatWasAskedByWhom(t *testing.T) {
	for _, c := range []struct {
		name, service, target, body string
		action, parameter, value    string
	}{
		{"an AWS JSON request", "ecs", "AmazonEC2ContainerServiceV20141113.DescribeServices", `{"cluster":"staging","services":["web"]}`, "ecs:DescribeServices", "services", `["web"]`},
		{"an AWS query request", "elasticloadbalancing", "", "Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=arn", "elasticloadbalancing:DescribeTargetHealth", "TargetGroupArn", "arn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec, url := answering(t, http.StatusTeapot, "answer")
			post(t, url, c.service, c.target, c.body)
			got := rec.Since(0)
			if len(got) != 1 || len(rec.Refused()) != 0 {
				t.Fatalf("noted %v, refused %v", got, rec.Refused())
			}
			r := got[0]
			if r.Action() != c.action || r.Parameter(c.parameter) != c.value || r.AccessKeyID != "AKIAEXAMPLE" || r.Region != "us-east-1" {
				t.Errorf("noted %s with %s=%q", r, c.parameter, r.Parameter(c.parameter))
			}
			if r.Status != http.StatusTeapot || string(r.Answer) != "answer" {
				t.Errorf("noted the answer %d %q", r.Status, r.Answer)
			}
			if rec.Mark() != 1 || len(rec.Since(rec.Mark())) != 0 {
				t.Error("a mark does not part before from after")
			}
		})
	}
}

func TestRecorderForwardsNothingItCannotRead(t *testing.T) {
	for _, c := range []struct{ name, service, target, body string }{
		{"without a signature", "", "X.DescribeServices", "{}"},
		{"with a body that is not the protocol's", "ecs", "X.DescribeServices", "{"},
		{"without an operation", "ec2", "", "Version=2016-11-15"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec, url := answering(t, http.StatusOK, "")
			if resp := post(t, url, c.service, c.target, c.body); resp.StatusCode != http.StatusNotImplemented {
				t.Errorf("answered %d", resp.StatusCode)
			}
			if len(rec.Since(0)) != 0 || len(rec.Refused()) != 1 {
				t.Errorf("noted %v, refused %v", rec.Since(0), rec.Refused())
			}
		})
	}
}

func TestAssumptionsAreReadFromRequestAndAnswer(t *testing.T) {
	rec, url := answering(t, http.StatusOK, `<AssumeRoleResponse><AssumeRoleResult><Credentials>
		<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
		</Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	post(t, url, "sts", "", "Action=AssumeRole&RoleArn=role&RoleSessionName=name&Policy=%7B%7D&SourceIdentity=me&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=b&Tags.member.2.Value=2")
	all, err := Assumptions(rec.Since(0))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	a := all[0]
	if a.Role != "role" || a.SessionName != "name" || a.Policy != "{}" || a.SourceIdentity != "me" || a.AccessKeyID != "ASIAEXAMPLE" {
		t.Errorf("read %+v", a)
	}
	if len(a.Tags) != 2 || a.Tags["a"] != "1" || a.Tags["b"] != "2" || len(a.Secrets) != 2 {
		t.Errorf("read tags %v and %d secrets", a.Tags, len(a.Secrets))
	}
}

func TestAssumptionsRefuseAnAnswerWithoutASession(t *testing.T) {
	rec, url := answering(t, http.StatusOK, "<html/>")
	post(t, url, "sts", "", "Action=AssumeRole&RoleArn=role")
	if all, err := Assumptions(rec.Since(0)); err == nil {
		t.Errorf("read %+v", all)
	}
}
