//go:build e2e

package sdk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// client is one SDK's program and what is known of how the SDK draws.
type client struct {
	name string // as in docs/e2e.md
	argv []string
	// lags: it signs with what it drew before and draws in the background.
	lags bool
	// lingers is for how long after a fetch it goes on with the key if the next
	// fetch fails.
	lingers time.Duration
}

// delivery is what a server that uses the SDK needs.
func (c client) delivery() grant.Delivery {
	if c.lags || c.lingers > 0 {
		return grant.DeliverProcess
	}
	return grant.DeliverLease
}

func clients(t *testing.T) []client {
	t.Helper()
	venv, sdks := os.Getenv("ECSMCP_E2E_VENV"), os.Getenv("ECSMCP_E2E_SDK")
	if venv == "" || sdks == "" {
		t.Fatal("ECSMCP_E2E_VENV and ECSMCP_E2E_SDK are not set: run `make e2e`")
	}
	program := filepath.Join(t.TempDir(), "client")
	if out, err := exec.Command("go", "build", "-o", program, "./go").CombinedOutput(); err != nil {
		t.Fatalf("build ./go: %v\n%s", err, out)
	}
	return []client{
		{name: "botocore, boto3", argv: []string{filepath.Join(venv, "bin/python"), "client.py"}},
		{name: "AWS CLI v1", argv: []string{"sh", "client.sh", filepath.Join(venv, "bin/aws")}},
		{name: "AWS SDK for Go v2", argv: []string{program}},
		// Its default chain answers with what it holds if that has not yet expired,
		// and refreshes meanwhile (memoizeChain in @aws-sdk/credential-provider-node).
		{name: "AWS SDK for JavaScript v3", argv: []string{"node", filepath.Join(sdks, "client.mjs")}, lags: true},
		// It holds a value that should be stale already for one second more
		// (CachedSupplier.handleFetchedSuccess in its utils).
		{name: "AWS SDK for Java 2", argv: []string{"java", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(sdks, "lib", "*"), "Client.java"}, lingers: time.Second},
	}
}

func TestEachSDKSignsWithTheGrantOfTheLeaseAndNothingWithoutOne(t *testing.T) {
	rows := []string{fmt.Sprintf("%-26s %-29s %-12s %9s  %s", "SDK", "version", "token in", "requests", "delivery")}
	for _, c := range clients(t) {
		for _, in := range []string{"environment", "file"} {
			t.Run(c.name+", token in the "+in, func(t *testing.T) {
				s := newScene(t, c)
				s.open(in == "file")
				s.start(s.endpoint.Environ())
				s.play()
				if c.lags && len(s.faults) == 0 {
					t.Error("it draws for each request after all: correct this table and docs/e2e.md")
				}
				rows = append(rows, fmt.Sprintf("%-26s %-29s %-12s %9d  %s", c.name, s.version, in, len(s.asked()), c.delivery()))
				if c.lingers > 0 {
					rows = append(rows, fmt.Sprintf("    for up to %s after a fetch it goes on with that key", c.lingers))
				}
				for _, fault := range s.faults {
					rows = append(rows, "    "+fault)
				}
			})
		}
	}
	t.Log("\n" + strings.Join(rows, "\n"))
}

func TestEachSDKSignsWithTheGrantOfItsProcess(t *testing.T) {
	for _, c := range clients(t) {
		t.Run(c.name, func(t *testing.T) {
			for range 2 {
				s := newScene(t, c)
				g := s.mint()
				s.start(g.Environ())
				s.signed("process", g)
			}
		})
	}
}

func TestTheDocumentationSaysWhatEachSDKNeeds(t *testing.T) {
	page, err := os.ReadFile("../../docs/e2e.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients(t) {
		if row := fmt.Sprintf("\n| %s | `%s` |", c.name, c.delivery()); !strings.Contains(string(page), row) {
			t.Errorf("docs/e2e.md has no row %q", row)
		}
	}
}
