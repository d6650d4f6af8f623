package docstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/testkit"
)

// patience is how long a program may take to say that it is ready, on a starved
// machine under the race detector.
const patience = 2 * time.Minute

// addressOfFirstRun is where the page has its AWS.
const addressOfFirstRun = "127.0.0.1:4566"

var decisionID = regexp.MustCompile(`\b[a-z2-7]{20}\b`)

// FirstRun follows docs/first-run.md from step 2 on, in an empty directory and with
// these programs: a reader's two terminals, command by command, each with the
// output that stands below it. Only the port is another one, since the page's may
// be taken, and the id of the refusal is the one that was given.
func FirstRun(t *testing.T, page, path string) {
	page = strings.ReplaceAll(page, addressOfFirstRun, testkit.FreeAddress(t))
	_, page, ok := strings.Cut(page, "\n## 2. ")
	if !ok {
		t.Fatal("the page has no step 2")
	}
	dir, home := t.TempDir(), t.TempDir()
	env := []string{"PATH=" + path, "HOME=" + home, "TMPDIR=" + t.TempDir(), "COLUMNS=80",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + filepath.Join(home, "none")}
	shell, id, ran := NewShell(dir, home, env...), "", 0
	var second *terminal
	for _, block := range Blocks(page) {
		if block.Kind != "console" {
			t.Fatalf("line %d: a block of kind %q tells nobody what to do with it", block.Line, block.Kind)
		}
		for _, c := range block.Commands() {
			ran++
			if strings.Contains(block.Before, "In a second terminal,") {
				second = openTerminal(t, dir, env, c)
				continue
			}
			command := replaceIDs(c.Text, id)
			output, code, err := shell.Run(command)
			if err != nil {
				t.Fatal(err)
			}
			if told := regexp.MustCompile(`Decision\s+([a-z2-7]{20})`).FindStringSubmatch(output); told != nil {
				id = told[1]
			}
			for i := range c.Want {
				c.Want[i] = replaceIDs(c.Want[i], id)
			}
			if line := c.Missing(output); line != "" {
				t.Errorf("$ %s\nlacks %q:\n%s", command, line, output)
			}
			if (code != 0) != c.Refuses() {
				t.Errorf("$ %s\nended with %d:\n%s", command, code, output)
			}
		}
	}
	if second == nil || id == "" || ran < 8 {
		t.Fatalf("%d commands ran, a second terminal: %t, a refusal: %q", ran, second != nil, id)
	}
	second.awaits(t, "AWS saw ecs:UpdateService by ecsmcp-")
	if seen := second.String(); strings.Contains(seen, "DeleteService") {
		t.Errorf("AWS saw the refused deletion:\n%s", seen)
	}
}

func replaceIDs(text, id string) string {
	if id == "" {
		return text
	}
	return decisionID.ReplaceAllString(text, id)
}

// terminal is one in which a program keeps running.
type terminal struct{ testkit.Output }

// openTerminal starts a command that goes on until the test ends, and waits for
// what the page shows of its output.
func openTerminal(t *testing.T, dir string, env []string, c Command) *terminal {
	t.Helper()
	s := &terminal{}
	command := exec.Command("sh", "-c", "exec "+c.Text)
	command.Dir, command.Env, command.Stdout, command.Stderr = dir, env, s, s
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Signal(os.Interrupt)
		if err := command.Wait(); err != nil {
			t.Errorf("$ %s\n%v:\n%s", c.Text, err, s.String())
		}
	})
	for _, line := range c.Want {
		s.awaits(t, line)
	}
	return s
}

// awaits waits until the terminal shows a text.
func (s *terminal) awaits(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(s.String(), text) {
			return
		}
	}
	t.Fatalf("the second terminal does not show %q:\n%s", text, s.String())
}
