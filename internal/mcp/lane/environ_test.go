package lane

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestTheServerInheritsNoCredentials(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIABASE", "AWS_SECRET_ACCESS_KEY": "BASESECRET", "AWS_SESSION_TOKEN": "BASETOKEN", "AWS_PROFILE": "admin",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/base", "AWS_WEB_IDENTITY_TOKEN_FILE": "/base", "AWS_BEARER_TOKEN_BEDROCK": "BASETOKEN",
		"AWS_ENDPOINT_URL_STS": "http://elsewhere", "GITHUB_TOKEN": "ghp", "AWS_CA_BUNDLE": "/ca.pem", "HOME": "/home/alice", "TZ": "UTC", "EXTRA": "wanted",
	} {
		t.Setenv(name, value)
	}
	e := Environment{Region: "us-east-1", Endpoint: "http://127.0.0.1:1", Set: map[string]string{"ALLOW_WRITE": "true", "TZ": "Asia/Tokyo"},
		Pass: []string{"EXTRA", "AWS_PROFILE", "aws_access_key_id", "UNSET"}}
	got := e.Build([]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:2/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN=t"})

	for _, want := range []string{"HOME=/home/alice", "EXTRA=wanted", "ALLOW_WRITE=true", "TZ=Asia/Tokyo", "AWS_CA_BUNDLE=/ca.pem",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "BOTO_CONFIG=" + os.DevNull,
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:2/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN=t"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
	names := map[string]bool{}
	for _, variable := range got {
		name, value, _ := strings.Cut(variable, "=")
		if names[name] {
			t.Errorf("%s is there twice", name)
		}
		names[name] = true
		if strings.Contains(value, "BASE") || strings.Contains(value, "/base") || value == "admin" || value == "ghp" || name == "AWS_ENDPOINT_URL_STS" {
			t.Errorf("%s leaked", variable)
		}
	}
}
