package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var decisionID = regexp.MustCompile("[a-z2-7]{20}")

// What the README shows of the demo is what the demo prints, up to an "…".
func TestTheDemoOfTheReadmeIsTrue(t *testing.T) {
	t.Parallel()
	_, after, _ := strings.Cut(pageAt(t, "../../README.md"), "From the demo, shortened:")
	block := fenced.FindStringSubmatch(after)
	_, because, ok := strings.Cut(after, "\nbecause    ")
	if block == nil || !ok {
		t.Fatal("the README shows nothing of the demo, or no reason of a refusal")
	}
	out, err := exec.Command("ecs-mcp-proxy", "demo").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Lines that go on are indented under their first, and ids differ from run to run.
	printed := decisionID.ReplaceAllString(regexp.MustCompile(`\n {14}`).ReplaceAllString(string(out), "\n    AWS saw   "), "ID")
	because, _, _ = strings.Cut(because, "\n")
	for _, line := range append(strings.Split(strings.TrimSpace(block[2]), "\n"), because) {
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
	blocks := fenced.FindAllStringSubmatch(section, 2)
	if !ok || len(blocks) != 2 || blocks[0][1] != "jsonl" || blocks[1][1] != "console" {
		t.Fatal("the page has no cases, or does not run them")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "cases.jsonl"), blocks[0][2])
	follow(t, dir, blocks[1][2])
}

func pageAt(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
