//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/docstest"
)

// What docs/deployment.md tells a reader to say to AWS, the AWS CLI says and an
// emulator takes: the roles' stack, the parameter, the secret, the task definition.
func TestTheDeploymentPagesCommandsAreAWSs(t *testing.T) {
	page, err := os.ReadFile("../docs/deployment.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	moto, err := world.motoURL()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	shell := docstest.NewShell(root, home, "PATH="+filepath.Dir(world.python("aws"))+":/usr/bin:/bin", "HOME="+home, "AWS_PAGER=",
		"AWS_ENDPOINT_URL="+moto.String(), "AWS_ACCESS_KEY_ID=testing", "AWS_SECRET_ACCESS_KEY=testing", "AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1")
	ran := 0
	for _, block := range docstest.Blocks(string(page)) {
		for _, c := range block.Commands() {
			if !strings.HasPrefix(c.Text, "aws ") {
				continue
			}
			ran++
			output, code, err := shell.Run(c.Text)
			if err != nil {
				t.Fatal(err)
			}
			if code != 0 {
				t.Errorf("$ %s\nended with %d:\n%s", c.Text, code, output)
			}
		}
	}
	if ran < 4 {
		t.Errorf("the page has %d commands for AWS", ran)
	}
}
