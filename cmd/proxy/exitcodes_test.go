package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestTheExitCodesAreDocumentedAsHelpSaysThem(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operations.md")
	must(t, err)
	if !strings.Contains(string(page), "```\n"+exitCodesHelp+"\n```") {
		t.Errorf("docs/operations.md does not have\n%s", exitCodesHelp)
	}
}

func TestServeEndsWith0WhenItIsTold(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		s := serve(t, "")
		must(t, s.cmd.Process.Signal(signal))
		<-s.ended
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("%s: exit code %d", signal, code)
		}
	}
}
