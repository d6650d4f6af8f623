//go:build deploy

package deploy_test

import (
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// container is one of the image named by ECSMCP_IMAGE, run by buildah in a
// chroot: no daemon, no registry.
type container struct {
	t    *testing.T
	name string
	root string
}

func buildah(t *testing.T, arguments ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	command := exec.Command("buildah", arguments...)
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("buildah %s: %v\n%s%s", strings.Join(arguments, " "), err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}

func start(t *testing.T) *container {
	t.Helper()
	image := os.Getenv("ECSMCP_IMAGE")
	if image == "" {
		t.Fatal("ECSMCP_IMAGE names no image; run: make deploy")
	}
	c := &container{t: t, name: buildah(t, "from", "--pull-never", image)}
	t.Cleanup(func() { buildah(t, "rm", c.name) })
	c.root = buildah(t, "mount", c.name)
	return c
}

func (c *container) run(arguments ...string) string {
	c.t.Helper()
	return buildah(c.t, append([]string{"run", "--isolation", "chroot", c.name, "--", "/bin/ecs-mcp-proxy"}, arguments...)...)
}

// files are the regular files and directories, but for what buildah itself mounts.
func (c *container) files() (files []string) {
	c.t.Helper()
	err := filepath.WalkDir(c.root, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, c.root)
		switch name {
		case "":
			return err
		case "/proc", "/dev", "/sys", "/run/secrets":
			return filepath.SkipDir
		case "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv":
			return err
		}
		files = append(files, name)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return files
}

func TestTheImageHoldsTheProgramAndNothingToRunBesideIt(t *testing.T) {
	c := start(t)
	want := []string{"/bin", "/bin/ecs-mcp-proxy", "/etc", "/etc/passwd", "/etc/ssl", "/etc/ssl/certs", "/etc/ssl/certs/ca-certificates.crt",
		"/run", "/run/ecs-mcp-proxy", "/state", "/tmp"}
	if got := c.files(); !slices.Equal(got, want) {
		t.Errorf("the image holds\n%q\nwant\n%q", got, want)
	}
	program, err := elf.Open(c.root + "/bin/ecs-mcp-proxy")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program is not static")
		}
	}
	info, err := os.Stat(c.root + "/bin/ecs-mcp-proxy")
	if err != nil || info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|0o022) != 0 {
		t.Errorf("the program's mode is %v, %v", info.Mode(), err)
	}
	certificates, err := os.ReadFile(c.root + "/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Fatal(err)
	}
	roots := 0
	for block, rest := pem.Decode(certificates); block != nil; block, rest = pem.Decode(rest) {
		if _, err := x509.ParseCertificate(block.Bytes); err == nil {
			roots++
		}
	}
	if roots < 50 {
		t.Errorf("%d certificate authorities", roots)
	}
}

func TestTheImageIsSmallAndItsUserIsNobody(t *testing.T) {
	var image struct {
		Docker struct {
			Config struct {
				User        string
				Entrypoint  []string
				Volumes     map[string]any
				Healthcheck struct{ Test []string }
			}
		}
	}
	if err := json.Unmarshal([]byte(buildah(t, "inspect", "--type", "image", os.Getenv("ECSMCP_IMAGE"))), &image); err != nil {
		t.Fatal(err)
	}
	config := image.Docker.Config
	if config.User != "65532:65532" || !slices.Equal(config.Entrypoint, []string{"/bin/ecs-mcp-proxy"}) ||
		len(config.Volumes) != 3 || !slices.Equal(config.Healthcheck.Test, []string{"CMD", "/bin/ecs-mcp-proxy", "health"}) {
		t.Errorf("%+v", config)
	}
	c := start(t)
	total := int64(0)
	for _, name := range c.files() {
		if info, err := os.Lstat(c.root + name); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
	}
	t.Logf("%.1f MB", float64(total)/1e6)
	if total > 45e6 {
		t.Errorf("the image has %.1f MB, at most 45", float64(total)/1e6)
	}
}

// The demo is the whole program: a proxy, its guard, a server below it, leases,
// STS and AWS, all in the container as its user.
func TestTheImageRunsAndLeavesItsRootAlone(t *testing.T) {
	c := start(t)
	before := c.files()
	if got := c.run("version"); !strings.HasPrefix(got, "ecs-mcp-proxy ") || strings.Contains(got, "(") {
		t.Errorf("version: %q", got)
	}
	if got := c.run("wrap", "--help"); !strings.Contains(got, "--role") {
		t.Errorf("wrap --help: %q", got)
	}
	if got := c.run("demo"); !strings.Contains(got, "ecs:UpdateService allowed, by ecsmcp-") || !strings.Contains(got, "refused (policy)") {
		t.Errorf("demo: %s", got)
	}
	if after := c.files(); !slices.Equal(before, after) {
		t.Errorf("something was left behind:\n%q\n%q", before, after)
	}
}
