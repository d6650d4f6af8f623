package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnlyWhatIsSlowIsSaid(t *testing.T) {
	for _, tt := range []struct {
		name  string
		takes time.Duration
		want  string
	}{
		{"at once", 0, ""},
		{"almost a second", 999 * time.Millisecond, ""},
		{"a few seconds", 5 * time.Second, "… server\n"},
		{"half a minute", 25 * time.Second, "… server\n… server: 11s so far\n… server: 21s so far\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				done := progress(&out, "server")
				time.Sleep(tt.takes)
				done()
				done()
				if out.String() != tt.want {
					t.Errorf("%q, want %q", &out, tt.want)
				}
			})
		})
	}
}
