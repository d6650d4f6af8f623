//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// The server has one set of cached clients and cannot say which call an AWS
// request belongs to. Each cluster here is named by one call alone, so that a
// request tells whose it is by its parameters, and whose credentials it
// carries by its access key; the two must agree.
func TestInterleavedCallsNeverShareAGrant(t *testing.T) {
	const each = 12
	s := open(t, everything)
	mark := world.recorder.Mark()
	var calls sync.WaitGroup
	for i := range each {
		made, read := fmt.Sprintf("made-%02d", i), fmt.Sprintf("read-%02d", i)
		for _, call := range []map[string]any{
			{"api_operation": "CreateCluster", "api_params": map[string]any{"clusterName": made}},
			{"api_operation": "DescribeClusters", "api_params": map[string]any{"clusters": []string{read}}},
		} {
			calls.Go(func() {
				result, err := s.client.CallTool(t.Context(), &mcp.CallToolParams{Name: "ecs_resource_management", Arguments: call})
				if err != nil || result.IsError {
					t.Errorf("%v: %v %v", call, err, result)
				}
			})
		}
	}
	calls.Wait()

	records, _, err := readAudit(s.audit, 0)
	if err != nil {
		t.Fatal(err)
	}
	requests := slices.DeleteFunc(world.recorder.Since(mark), func(r Request) bool { return r.Service != "ecs" })
	if len(requests) != 2*each {
		t.Fatalf("%d requests of the server, want %d", len(requests), 2*each)
	}
	for _, request := range requests {
		name := request.Parameter("clusterName") + strings.Trim(request.Parameter("clusters"), `["]`)
		owner := slices.IndexFunc(records, func(r audit.Record) bool {
			return r.Phase == audit.PhaseDecision && r.Grant != nil && r.Grant.AccessKeyID == request.AccessKeyID
		})
		if owner < 0 {
			t.Errorf("%s for %s: its access key was lent to no call", request, name)
			continue
		}
		if lent := records[owner].Input.Accesses; len(lent) != 1 || !strings.HasSuffix(lent[0].Resource, ":cluster/"+name) || lent[0].Action != request.Action() {
			t.Errorf("%s for %s was signed with what was lent for %s on %s", request, name, lent[0].Action, lent[0].Resource)
		}
	}
}
