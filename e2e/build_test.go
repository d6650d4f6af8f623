//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// builder may build and push images: its server is a process for each call, and
// its settings name the tool.
func builder(tools string) persona {
	return persona{name: "builder", identity: allowEverything, delivery: "process",
		settings: map[string]any{"leaves_credentials": map[string]any{"tools": []string{buildTool}}},
		environ:  map[string]string{"PATH": tools + ":" + world.python("")}}
}

const buildTool = "build_and_push_image_to_ecr"

// The one tool that no grant bounds does its work in a process of its own, and
// the registry token that it leaves behind goes with that process's home.
func TestBuildLeavesItsTokenInAHomeThatIsThrownAway(t *testing.T) {
	app, tools := t.TempDir(), t.TempDir()
	write(t, filepath.Join(app, "Dockerfile"), "FROM scratch\n")
	left := filepath.Join(tools, "left.json")
	docker := strings.NewReplacer("PYTHON", world.python("python"), "LEFT", left, "MOTO", world.motoAddress(t)).Replace(dockerScript)
	if err := os.WriteFile(filepath.Join(tools, "docker"), []byte(docker), 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, builder(tools))
	report := newReport()
	defer report.print(t)
	c := s.call(t, buildTool, map[string]any{"app_name": "web-app", "app_path": app, "tag": "v1"})
	report.add(t, "build an image", c, true)
	if c.IsError || !strings.Contains(c.Text, "web-app-repo:v1") {
		t.Fatalf("the image was not built: (%s: %s) %.600s", c.Decision.Class, c.Decision.Message, c.Text)
	}
	var seen struct{ Home, Token string }
	readJSON(t, left, &seen)
	if seen.Token == "" || seen.Home == "" || seen.Home == filepath.Dir(s.audit) {
		t.Fatalf("docker logged in with a token of %d bytes at home in %q", len(seen.Token), seen.Home)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		_, err := os.Stat(seen.Home)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the home of the call is still there: %v", err)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(s.audit), ".docker")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("docker's login is in the proxy's own home: %v", err)
	}
	if strings.Contains(s.received.String()+s.stderr.String(), seen.Token) {
		t.Error("the token is in what the client received or the log")
	}
	if _, escaped := observedActions(t, "build an image", c); !slices.Contains(escaped, "ecr:GetAuthorizationToken") {
		t.Errorf("the server drew the token with its grant and not with a role that it assumed: %v", escaped)
	}
}

// Without the settings, the guardrail refuses, and nothing is asked of AWS but facts.
func TestBuildIsForPersonasThatNameIt(t *testing.T) {
	p := builder(t.TempDir())
	p.settings = nil
	c := open(t, p).call(t, buildTool, map[string]any{"app_name": "web-app", "app_path": t.TempDir()})
	refused(t, "build an image", c)
	if r := c.Decision.Result; r == nil || len(r.Denies) != 1 || r.Denies[0].Code != "leaves_credentials" {
		b, _ := json.Marshal(r)
		t.Errorf("want a refusal by guardrail leaves_credentials alone, got %.400s", b)
	}
	if len(c.ByServer) > 0 {
		t.Errorf("the server asked AWS for %v", c.ByServer)
	}
}

// dockerScript stands for docker, which is not here: it keeps a login as docker
// does, builds nothing, and pushes an image by putting its manifest into moto.
const dockerScript = `#!PYTHON
import json, os, sys
command, arguments = sys.argv[1], sys.argv[2:]
if command == "login":
    token = sys.stdin.read()
    folder = os.path.join(os.environ["HOME"], ".docker")
    os.makedirs(folder)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump({"auths": {arguments[-1]: {"auth": token}}}, f)
    with open("LEFT", "w") as f:
        json.dump({"home": os.environ["HOME"], "token": token}, f)
elif command == "push":
    import boto3
    name, tag = arguments[0].split("/")[-1].split(":")
    ecr = boto3.Session("AKIAE2ESEED", "seed", region_name="us-east-1").client("ecr", endpoint_url="MOTO")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"digest": "sha256:" + "0" * 64},
        "layers": [],
    }
    ecr.put_image(repositoryName=name, imageTag=tag, imageManifest=json.dumps(manifest))
`

// motoAddress is moto's own address, past the recorder.
func (s *stack) motoAddress(t *testing.T) string {
	t.Helper()
	url, err := s.motoURL()
	if err != nil {
		t.Fatal(err)
	}
	return url.String()
}
