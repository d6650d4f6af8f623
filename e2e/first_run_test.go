//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/docstest"
)

// docs/first-run.md, with the client that it names.
func TestTheFirstRunWithItsOwnClient(t *testing.T) {
	page, err := os.ReadFile("../docs/first-run.md")
	if err != nil {
		t.Fatal(err)
	}
	docstest.FirstRun(t, string(page), filepath.Dir(world.binary)+":"+filepath.Dir(world.python("fastmcp"))+":/usr/bin:/bin")
}
