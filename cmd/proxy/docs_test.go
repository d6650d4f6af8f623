package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/docstest"
)

var decisionID = regexp.MustCompile("[a-z2-7]{20}")

// What the README shows of the demo is what the demo prints, up to an "…".
func TestTheDemoOfTheReadmeIsTrue(t *testing.T) {
	t.Parallel()
	_, after, _ := strings.Cut(pageAt(t, "../../README.md"), "From the demo, shortened:")
	blocks := docstest.Blocks(after)
	_, because, ok := strings.Cut(after, "\nbecause    ")
	if len(blocks) == 0 || !ok {
		t.Fatal("the README shows nothing of the demo, or no reason of a refusal")
	}
	out, err := exec.Command("ecs-mcp-proxy", "demo").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Lines that go on are indented under their first, and ids differ from run to run.
	printed := decisionID.ReplaceAllString(regexp.MustCompile(`\n {14}`).ReplaceAllString(string(out), "\n    AWS saw   "), "ID")
	because, _, _ = strings.Cut(because, "\n")
	for _, line := range append(strings.Split(strings.TrimSpace(blocks[0].Text), "\n"), because) {
		begin, _, _ := strings.Cut(line, "…")
		if !strings.Contains(printed, decisionID.ReplaceAllString(begin, "ID")) {
			t.Errorf("the demo does not print\n%s", line)
		}
	}
}

// The cases of docs/policy.md get the answers that stand there.
func TestTheCasesOfThePolicyPageAreTrue(t *testing.T) {
	t.Parallel()
	_, section, ok := strings.Cut(pageAt(t, "../../docs/policy.md"), "\n## Asking what documents allow\n")
	blocks := docstest.Blocks(section)
	if !ok || len(blocks) < 2 || blocks[0].Kind != "jsonl" || blocks[1].Kind != "console" {
		t.Fatal("the page has no cases, or does not run them")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "cases.jsonl"), blocks[0].Text)
	follow(t, dir, blocks[1].Text)
}

func pageAt(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
