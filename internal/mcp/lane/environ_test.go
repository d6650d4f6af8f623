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

func TestAThrowAwayHomeKeepsCachesAndLosesLogins(t *testing.T) {
	for name, value := range map[string]string{"HOME": "/home/alice", "DOCKER_CONFIG": "/home/alice/.docker", "XDG_CACHE_HOME": "/cache", "npm_config_cache": ""} {
		t.Setenv(name, value)
	}
	got := Environment{Region: "us-east-1", Home: "/tmp/thrown"}.Build(nil)
	for _, want := range []string{"HOME=/tmp/thrown", "XDG_CACHE_HOME=/cache", "XDG_DATA_HOME=/home/alice/.local/share"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if slices.ContainsFunc(got, func(v string) bool { return strings.HasPrefix(v, "DOCKER_CONFIG=") }) {
		t.Error("the user's registry logins are inherited")
	}
}

func TestAServerWithCredentialsOfItsOwnInheritsThem(t *testing.T) {
	t.Setenv("AWS_PROFILE", "ops")
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("SECRET_OF_ANOTHER_KIND", "x")
	got := Environment{Region: "us-east-1", Own: true}.Build(nil)
	if !slices.Contains(got, "AWS_PROFILE=ops") || !slices.Contains(got, "AWS_REGION=us-east-1") || slices.Contains(got, "SECRET_OF_ANOTHER_KIND=x") {
		t.Errorf("%q", got)
	}
	if slices.ContainsFunc(got, func(v string) bool { return strings.HasSuffix(v, "="+os.DevNull) }) {
		t.Error("its configuration files are taken away")
	}
}
