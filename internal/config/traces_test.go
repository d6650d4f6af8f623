package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTracesInTheOpenAreWarnedOf(t *testing.T) {
	for endpoint, warned := range map[string]bool{
		"http://127.0.0.1:4318/v1/traces": false, "https://otel.example/v1/traces": false, "http://otel.example:4318/v1/traces": true,
	} {
		c, err := Parse([]byte(good + "traces: {endpoint: \"" + endpoint + "\"}\n"))
		if err != nil || c.Traces.SamplePercent != 100 {
			t.Fatalf("%s: %v %+v", endpoint, err, c.Traces)
		}
		if got := strings.Contains(strings.Join(c.Warnings(), "\n"), "traces.endpoint is plain http"); got != warned {
			t.Errorf("%s: warned %t", endpoint, got)
		}
	}
}

func TestReadHeadersReadsLinesAndShowsNoneOfThem(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want map[string]string // nil: refused
	}{
		"one":                    {"authorization: Bearer abc\n", map[string]string{"Authorization": "Bearer abc"}},
		"two, and Windows' ends": {"A: secret-1\r\nB:secret-2\r\n", map[string]string{"A": "secret-1", "B": "secret-2"}},
		"nothing":                {"\n", nil},
		"no colon":               {"secret-token", nil},
		"no value":               {"A:", nil},
		"a name with a space":    {"secret name: x", nil},
		"a control character":    {"A: secret\x01", nil},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "headers")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadHeaders(file)
			if tt.want == nil {
				if !errors.Is(err, ErrConfig) || strings.Contains(err.Error(), "secret") {
					t.Errorf("%v %v", got, err)
				}
				return
			}
			if err != nil || len(got) != len(tt.want) {
				t.Fatalf("%v %v", got, err)
			}
			for name, value := range tt.want {
				if got.Get(name) != value {
					t.Errorf("%s is %q", name, got.Get(name))
				}
			}
		})
	}
}
