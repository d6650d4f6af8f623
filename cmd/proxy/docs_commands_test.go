package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/docstest"
)

// pages are all that a reader may follow.
func pages(t *testing.T) []string {
	t.Helper()
	all, err := docstest.Pages("../..")
	if err != nil || len(all) < 15 {
		t.Fatalf("found only %v: %v", all, err)
	}
	return all
}

// scenes are the files that are there before a page's first command, by page. The
// page's own blocks of YAML add to the configuration, each in the place of the one before.
var scenes = map[string]map[string]string{
	"docs/configuration.md": {"ecs-mcp-proxy.yaml": "version: 1\naws: {region: us-east-1}\nprincipals: [{match: {kind: os-user}, persona: checkout}]\n"},
	"docs/explain.md":       {"ecs-mcp-proxy.yaml": people},
	"docs/catalogue.md":     {"ecs-mcp-proxy.yaml": readers, "aws-safe-mcp.yaml": exampleCatalogue},
}

// readers is what docs/catalogue.md leaves out of its configuration.
const readers = `version: 1
aws: {region: us-east-1}
personas:
  reader: {identity: [read-only-monitoring], boundary: [region-and-production], role: "arn:aws:iam::123456789012:role/mcp-reader"}
principals: [{match: {kind: os-user}, persona: reader}]
`

// exampleCatalogue stands for the file of that name in docs/examples.
const exampleCatalogue = "docs/examples/aws-safe-mcp.yaml"

// elsewhere are the commands that are not run below, by page and beginning, with
// what runs them, or why nothing can. What looks like the name of a test is one.
var elsewhere = []struct{ page, begin, why string }{
	{"README.md", "make demo", "TestTheDemoOfTheReadmeIsTrue runs the demo and compares"},
	{"README.md", "make test", "runs this"},
	{"README.md", "ecs-mcp-proxy audit show", "TestTheFirstRunIsTrue"},
	{"README.md", "go install ", "needs a published version"},
	{"README.md", "mv ", "needs what the one before it installs"},
	{"CONTRIBUTING.md", "make build", "is part of make test"},
	{"CONTRIBUTING.md", "make test", "runs this"},
	{"CONTRIBUTING.md", "go test -race -run TestADeniedCallReachesNobody ./internal/mcp", "TestADeniedCallReachesNobody is what it names, and part of make test"},
	{"CONTRIBUTING.md", "go tool -modfile=tools.mod opa test", "is part of make test"},
	{"docs/first-run.md", "git clone", "is the repository"},
	{"docs/first-run.md", "make build", "is part of make test"},
	{"docs/first-run.md", "", "TestTheFirstRunIsTrue"},
	{"docs/own-rego.md", "", "TestThePageAboutOwnRegoIsTrue"},
	{"docs/configuration.md", "grep ", "TestScripts/shadow looks for the same in a record that shadow mode wrote"},
	{"docs/policy.md", "go tool -modfile=tools.mod opa test", "is part of make test"},
	{"docs/policy.md", "go tool -modfile=tools.mod opa check", "is part of make lint"},
	{"docs/policy.md", "go tool -modfile=tools.mod opa fmt", "is part of make lint"},
	{"docs/policy.md", "ecs-mcp-proxy simulate cases.jsonl", "TestTheCasesOfThePolicyPageAreTrue"},
	{"docs/serve.md", "(umask 077; openssl", "makes what TestServeLetsNobodyInWithoutAToken has for a token"},
	{"docs/serve.md", "ecs-mcp-proxy serve", "TestServeLetsNobodyInWithoutAToken starts it, and has such a client"},
	{"docs/operations.md", "ecs-mcp-proxy catalog check --lock", "starts the real server; TestScripts/catalog_check does the same with the demo's"},
	{"docs/operations.md", "ecs-mcp-proxy audit verify", "TestScripts/audit_verify does the same with logs of its own"},
	{"docs/deployment.md", "aws ", "needs an AWS account; TestTheDeploymentPagesCommandsAreAWSs runs them against an emulator"},
	{"docs/deployment.md", "make image", "is part of make deploy"},
	{"docs/deployment.md", "kubectl ", "needs a cluster; what is applied is built and validated by make deploy"},
	{"docs/design.md", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "are variables, not commands"},
	{"docs/e2e.md", "make e2e", "needs Python, Node, Java and registries; runs in CI"},
	{"docs/e2e.md", "go test ./e2e/", "is part of make test"},
	{"docs/e2e.md", "ECSMCP_E2E_VENV=", "is make e2e with a name of one test"},
	{"docs/catalogue.md", "npm pack", "needs registries"},
	{"docs/catalogue.md", "pip download", "needs registries"},
	{"docs/catalogue.md", "go run ./gen", "needs what the two before it fetched"},
	{"docs/catalogue.md", "go test . -update", "writes what TestEveryOperationResolvesAsTheGoldenFileSays compares"},
}

// programs begin the lines of a block that is meant to be run.
var programs = regexp.MustCompile(`(?m)^(ecs-mcp-proxy|make|go|opa|npm|npx|pip|uvx|aws|kubectl|docker|curl|git) `)

// harmless begins a command that is run wherever a page has it.
var harmless = regexp.MustCompile(`^(ecs-mcp-proxy|cat|grep|export) `)

// Every command of the documentation does what the page shows, or is named above
// with what else holds it true.
func TestEveryCommandOfTheDocumentationIsRun(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		t.Run(page, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range scenes[page] {
				if text == exampleCatalogue {
					text = pageAt(t, "../../"+text)
				}
				write(t, filepath.Join(dir, name), text)
			}
			shell := docstest.NewShell(dir, t.TempDir(), append(os.Environ(), "XDG_STATE_HOME="+t.TempDir())...)
			for _, block := range docstest.Blocks(pageAt(t, "../../"+page)) {
				if base, ok := scenes[page]["ecs-mcp-proxy.yaml"]; ok && block.Kind == "yaml" {
					write(t, filepath.Join(dir, "ecs-mcp-proxy.yaml"), base+block.Text)
				}
				if block.Kind == "" && programs.MatchString(block.Text) {
					t.Errorf("line %d: a block with commands must say that it is one: console", block.Line)
				}
				for _, c := range block.Commands() {
					wellFormed(t, c.Text)
					if heldElsewhere(page, c) >= 0 {
						continue
					}
					if !harmless.MatchString(c.Text) {
						t.Errorf("line %d: $ %s\nis not run, because nobody has looked at what it would do here; name it in elsewhere", block.Line, c.Text)
						continue
					}
					output, code, err := shell.Run(c.Text)
					if err != nil {
						t.Fatal(err)
					}
					if (code != 0) != c.Refuses() {
						t.Errorf("line %d: $ %s\nended with %d:\n%s", block.Line, c.Text, code, output)
					}
					if line := c.Missing(output); line != "" {
						t.Errorf("line %d: $ %s\nlacks %q:\n%s", block.Line, c.Text, line, output)
					}
				}
			}
		})
	}
}

// heldElsewhere is the place in elsewhere of what holds a command true; -1 is
// that it must be run.
func heldElsewhere(page string, c docstest.Command) int {
	return slices.IndexFunc(elsewhere, func(e struct{ page, begin, why string }) bool {
		return e.page == page && strings.HasPrefix(c.Text, e.begin)
	})
}

// What is said to run a command is there.
func TestWhatRunsTheOtherCommandsIsThere(t *testing.T) {
	t.Parallel()
	tests, err := docstest.Tests("../..")
	if err != nil {
		t.Fatal(err)
	}
	used := map[int]bool{}
	for _, page := range pages(t) {
		for _, block := range docstest.Blocks(pageAt(t, "../../"+page)) {
			for _, c := range block.Commands() {
				used[heldElsewhere(page, c)] = true
			}
		}
	}
	makefile := pageAt(t, "../../Makefile")
	for i, e := range elsewhere {
		if !used[i] {
			t.Errorf("%s has no command %q: remove it from the list", e.page, e.begin)
		}
		for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+(?:/\w+)?`).FindAllString(e.why, -1) {
			if tests[name] == nil {
				t.Errorf("%s: there is no %s", e.page, name)
			}
		}
		if target := regexp.MustCompile(`part of make (\w+)`).FindStringSubmatch(e.why); target != nil && !strings.Contains(makefile, "\n"+target[1]+":") {
			t.Errorf("%s: there is no make %s", e.page, target[1])
		}
	}
}

// What a page says in the middle of a sentence is a command as well.
func TestCommandsInSentencesHaveTheirFlags(t *testing.T) {
	t.Parallel()
	found := 0
	for _, page := range pages(t) {
		for _, span := range regexp.MustCompile("`((?:ecs-mcp-proxy|make) [^`]+)`").FindAllStringSubmatch(pageAt(t, "../../"+page), -1) {
			found++
			t.Run(page+": "+span[1], func(t *testing.T) {
				wellFormed(t, strings.NewReplacer("…", "X", "| ", "").Replace(span[1]))
			})
		}
	}
	if found < 20 {
		t.Errorf("found only %d", found)
	}
}

// The entry of an MCP client that a page shows starts the program as it can be started.
func TestTheEntriesOfClientsHaveTheirFlags(t *testing.T) {
	t.Parallel()
	found := 0
	for _, page := range pages(t) {
		for _, block := range docstest.Blocks(pageAt(t, "../../"+page)) {
			if block.Kind != "json" || !strings.Contains(block.Text, `"mcpServers"`) {
				continue
			}
			found++
			var entry struct {
				Servers map[string]struct{ Args []string } `json:"mcpServers"`
			}
			if err := json.Unmarshal([]byte(block.Text), &entry); err != nil {
				t.Errorf("%s, line %d: %v", page, block.Line, err)
			}
			for _, server := range entry.Servers {
				hasFlags(t, server.Args)
			}
		}
	}
	if found == 0 {
		t.Error("no page has one")
	}
}

// wellFormed checks what can be told of a command without running it: that a
// shell reads it, that the program's verbs and flags are there, and make's targets.
func wellFormed(t *testing.T, command string) {
	t.Helper()
	dir := t.TempDir()
	// In the place of the program, something that notes what it was given; others are not found.
	write(t, filepath.Join(dir, "ecs-mcp-proxy"), "#!/bin/sh\nprintf '%s\\0' \"$@\" > \"$OUT/arguments\"\n")
	write(t, filepath.Join(dir, "make"), "#!/bin/sh\nprintf '%s' \"$1\" > \"$OUT/target\"\n")
	for _, name := range []string{"ecs-mcp-proxy", "make"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(sh, "-n", "-c", command).CombinedOutput(); err != nil {
		t.Errorf("%s\na shell does not read it: %s", command, out)
	}
	first, _, _ := strings.Cut(command, " ")
	if first != "ecs-mcp-proxy" && first != "make" {
		return
	}
	run := exec.Command(sh, "-c", command)
	run.Dir, run.Env = t.TempDir(), []string{"PATH=" + dir, "OUT=" + dir}
	if out, err := run.CombinedOutput(); err != nil && !strings.Contains(string(out), "not found") {
		t.Errorf("%s\n%v: %s", command, err, out)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "target")); err == nil && !strings.Contains(pageAt(t, "../../Makefile"), "\n"+string(b)+":") {
		t.Errorf("%s: there is no such target", command)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "arguments")); err == nil {
		hasFlags(t, strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00"))
	}
}

// hasFlags checks that the program has this verb and these flags.
func hasFlags(t *testing.T, args []string) {
	t.Helper()
	args = slices.DeleteFunc(args, func(a string) bool { return a == "--help" })
	verb, rest, err := newRoot().Find(args)
	if err != nil {
		t.Errorf("ecs-mcp-proxy %s: no such verb (%v)", strings.Join(args, " "), err)
		return
	}
	if err := verb.ParseFlags(rest); err != nil {
		t.Errorf("ecs-mcp-proxy %s: %v", strings.Join(args, " "), err)
	}
	if verb.HasSubCommands() && len(verb.Flags().Args()) > 0 {
		t.Errorf("ecs-mcp-proxy %s: no such verb", strings.Join(args, " "))
	}
}
