package main

import (
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestVersionIsWhatWasStampedElseTheModules(t *testing.T) {
	t.Parallel()
	installed := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}} // by "go install …@v1.2.3"
	for _, tt := range []struct {
		name, stamped string
		info          *debug.BuildInfo
		want          string
	}{
		{"of a release", "v2.0.0", installed, "v2.0.0"},
		{"of go install", "", installed, "v1.2.3"},
		{"of nothing that Go knows", "", &debug.BuildInfo{}, "(unknown)"},
		{"without build information", "", nil, "(unknown)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := versionOf(tt.stamped, tt.info); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// "go install …@version" takes no module that replaces or excludes others.
func TestTheModuleCanBeInstalledByItsPath(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../go.mod")
	must(t, err)
	for line := range strings.Lines(string(b)) {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word == "replace" || word == "exclude" {
			t.Errorf("go.mod has %q", strings.TrimSpace(line))
		}
	}
}

// A release is built for what CI compiles, stamped, and the same each time.
func TestAReleaseIsWhatCICompiles(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../.goreleaser.yaml")
	must(t, err)
	var release struct {
		Builds []struct {
			Main, Binary                      string
			Env, Goos, Goarch, Flags, Ldflags []string
			ModTimestamp                      string `yaml:"mod_timestamp"`
		}
		Sboms []struct{ Artifacts string }
	}
	must(t, yaml.Unmarshal(b, &release))
	if len(release.Builds) != 1 || len(release.Sboms) != 1 {
		t.Fatalf("%+v", release)
	}
	build := release.Builds[0]
	if build.Main != "./cmd/proxy" || build.Binary != "ecs-mcp-proxy" || !slices.Contains(build.Env, "CGO_ENABLED=0") || !slices.Contains(build.Flags, "-trimpath") ||
		!strings.Contains(strings.Join(build.Ldflags, " "), "-X main.version=v{{ .Version }}") || build.ModTimestamp != "{{ .CommitTimestamp }}" {
		t.Errorf("%+v", build)
	}
	recipes, err := os.ReadFile("../../Makefile")
	must(t, err)
	var systems []string
	for line := range strings.Lines(string(recipes)) {
		if of, ok := strings.CutPrefix(line, "SYSTEMS  := "); ok {
			systems = strings.Fields(of)
		}
	}
	var released []string
	for _, system := range build.Goos {
		for _, machine := range build.Goarch {
			released = append(released, system+"/"+machine)
		}
	}
	if !slices.Equal(systems, released) {
		t.Errorf("make cross compiles %v, and released are %v", systems, released)
	}
}
