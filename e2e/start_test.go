//go:build e2e

package e2e

import (
	"slices"
	"testing"
	"time"
)

// docs/e2e.md tells users without egress what the server does at its start;
// this keeps it true.
func TestServerStartsWithoutEgressAndAsksOnlyForTheKnowledgeServer(t *testing.T) {
	began := time.Now()
	s := open(t, reader)
	took := time.Since(began)
	s.tools(t)
	t.Logf("initialize was answered after %s", took.Round(10*time.Millisecond))
	if took > patience/2 {
		t.Errorf("the server needed %s to start although every connection was refused at once", took)
	}
	if got, want := world.egress.hosts(), []string{"knowledge-mcp.global.api.aws:443"}; !slices.Equal(got, want) {
		t.Errorf("the server wanted to reach %v, want only %v", got, want)
	}
}
