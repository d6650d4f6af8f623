package main

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// The null device is a character device, as a terminal is, and answers nothing.
func TestInitTakesItsDefaultsWhereNobodyAnswers(t *testing.T) {
	t.Parallel()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	f := initFlags{region: "us-east-1", role: "arn:aws:iam::123456789012:role/mcp-reader"}
	if err := f.ask(null, io.Discard); err != nil || f.identity != starts[0] || f.command != defaultCommand {
		t.Errorf("got %+v, %v", f, err)
	}
	f = initFlags{region: "us-east-1"}
	if err := f.ask(null, io.Discard); !errors.Is(err, errUsage) || !strings.Contains(err.Error(), "give --role") {
		t.Errorf("without a role: %v", err)
	}
}
