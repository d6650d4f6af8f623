package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// people is what the page leaves out of its configurations.
const people = `version: 1
aws: {region: us-east-1}
personas:
  deployer: {identity: [deployment], boundary: [region-and-production], role: "arn:aws:iam::123456789012:role/mcp-deployer"}
principals:
  - {match: {kind: os-user}, persona: deployer}
`

var (
	fenced    = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")
	namedFile = regexp.MustCompile("`(policy/[a-z_/]+\\.[a-z]+)`")
)

// Whoever follows docs/own-rego.md, block by block, gets what it shows.
func TestThePageAboutOwnRegoIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/own-rego.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	opa(t, dir)
	commands, configurations, end := 0, 0, 0
	for _, at := range fenced.FindAllSubmatchIndex(page, -1) {
		before, kind, text := string(page[end:at[0]]), string(page[at[2]:at[3]]), string(page[at[4]:at[5]])
		end = at[1]
		names := namedFile.FindAllStringSubmatch(before, -1)
		switch {
		case kind == "console":
			commands += follow(t, dir, text)
		case strings.HasPrefix(text, "policy:"):
			configurations++
			write(t, filepath.Join(dir, "ecs-mcp-proxy.yaml"), people+text)
			if _, err := config.Load(filepath.Join(dir, "ecs-mcp-proxy.yaml")); err != nil {
				t.Errorf("the configuration is refused: %v\n%s", err, text)
			}
		case len(names) > 0:
			write(t, filepath.Join(dir, names[len(names)-1][1]), text)
		default:
			t.Errorf("nothing says where this block belongs:\n%s", text)
		}
	}
	if commands != 11 || configurations != 2 {
		t.Errorf("the page has %d commands and %d configurations, want 11 and 2", commands, configurations)
	}

	// The last configuration names the bundle that the last commands made: at an address, or as a file.
	name := filepath.Join(dir, "ecs-mcp-proxy.yaml")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	local := regexp.MustCompile(`(?m)^    url: .*(# or )(file: .*)\n    token_file: .*$`)
	if !local.Match(b) {
		t.Fatal("the page does not say how the bundle is read from a file")
	}
	write(t, name, local.ReplaceAllString(string(b), "    $2"))
	follow(t, dir, "$ ecs-mcp-proxy policy show --config ecs-mcp-proxy.yaml deployer\n  on   freeze               Frozen services\n")
	write(t, filepath.Join(dir, "public.pem"), publicPEM(t, newKey(t)))
	if out, err := inShell(dir, "ecs-mcp-proxy policy check --config ecs-mcp-proxy.yaml"); err == nil || !strings.Contains(out, "it is signed with another key than policy.bundle.key") {
		t.Errorf("with another key: %v\n%s", err, out)
	}
}

// opa puts the stock tool into dir, for the shell to find.
func opa(t *testing.T, dir string) {
	t.Helper()
	tool := exec.Command("go", "tool", "-modfile=tools.mod", "-n", "opa")
	tool.Dir = "../.."
	path, err := tool.Output()
	if err != nil {
		t.Fatalf("find opa: %v", err)
	}
	if err := os.Symlink(strings.TrimSpace(string(path)), filepath.Join(dir, "opa")); err != nil {
		t.Fatal(err)
	}
}

// follow runs the commands of a console block and looks for the lines below
// each in its output; "…" stands for any number of others.
func follow(t *testing.T, dir, block string) (commands int) {
	t.Helper()
	for part := range strings.SplitSeq("\n"+strings.TrimSpace(block), "\n$ ") {
		if part == "" {
			continue
		}
		commands++
		if _, err := exec.LookPath("openssl"); err != nil && strings.HasPrefix(part, "openssl ") {
			keys(t, dir)
			continue
		}
		lines := strings.Split(part, "\n")
		command, i := lines[0], 1
		for ; strings.HasSuffix(command, "\\"); i++ {
			command += "\n" + lines[i]
		}
		out, err := inShell(dir, command)
		if code := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &code) && code.ExitCode() == 1 && strings.Contains(command, " explain ")) {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		rest := out
		for _, line := range lines[i:] {
			if line == "…" || line == "" {
				continue
			}
			at := strings.Index("\n"+rest, "\n"+line+"\n")
			if at < 0 {
				t.Errorf("%s: the output has no line %q (after those before it):\n%s", command, line, out)
				break
			}
			rest = rest[at+len(line):]
		}
	}
	return commands
}

// inShell runs one command line as a shell does.
func inShell(dir, command string) (string, error) {
	shell := exec.Command("sh", "-c", command)
	shell.Dir = dir
	shell.Env = append(os.Environ(), "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out, err := shell.CombinedOutput()
	return string(out), err
}

// keys makes what the openssl commands of the page make, where there is no openssl.
func keys(t *testing.T, dir string) {
	t.Helper()
	key := newKey(t)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "private.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	write(t, filepath.Join(dir, "public.pem"), publicPEM(t, key))
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicPEM(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	b, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
