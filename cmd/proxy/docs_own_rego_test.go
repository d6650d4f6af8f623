package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/docstest"
)

// people is what the page leaves out of its configurations.
const people = `version: 1
aws: {region: us-east-1}
personas:
  deployer: {identity: [deployment], boundary: [region-and-production], role: "arn:aws:iam::123456789012:role/mcp-deployer"}
principals:
  - {match: {kind: os-user}, persona: deployer}
`

var namedFile = regexp.MustCompile("`(policy/[a-z_/]+\\.[a-z]+)`")

// Whoever follows docs/own-rego.md, block by block, gets what it shows.
func TestThePageAboutOwnRegoIsTrue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opa(t, dir)
	commands, configurations := 0, 0
	for _, block := range docstest.Blocks(pageAt(t, "../../docs/own-rego.md")) {
		text, names := block.Text, namedFile.FindAllStringSubmatch(block.Before, -1)
		switch {
		case block.Kind == "console":
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
	if out, code, err := shellIn(t, dir).Run("ecs-mcp-proxy policy check --config ecs-mcp-proxy.yaml"); err != nil || code == 0 || !strings.Contains(out, "it is signed with another key than policy.bundle.key") {
		t.Errorf("with another key: %d, %v\n%s", code, err, out)
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

// follow runs the commands of a console block and compares what they print.
func follow(t *testing.T, dir, block string) (commands int) {
	t.Helper()
	shell := shellIn(t, dir)
	for _, c := range (docstest.Block{Kind: "console", Text: block}).Commands() {
		commands++
		if _, err := exec.LookPath("openssl"); err != nil && strings.HasPrefix(c.Text, "openssl ") {
			keys(t, dir)
			continue
		}
		out, code, err := shell.Run(c.Text)
		if err != nil {
			t.Fatal(err)
		}
		if (code != 0) != c.Refuses() {
			t.Fatalf("%s: ended with %d\n%s", c.Text, code, out)
		}
		if line := c.Missing(out); line != "" {
			t.Errorf("%s: the output has no line %q (after those before it):\n%s", c.Text, line, out)
		}
	}
	return commands
}

// shellIn is a shell that finds what is in dir before anything else.
func shellIn(t *testing.T, dir string) *docstest.Shell {
	return docstest.NewShell(dir, t.TempDir(), append(os.Environ(), "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH"))...)
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
