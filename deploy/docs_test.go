package deploy_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// What docs/deployment.md names is there: files, parameters, variables, targets.
func TestTheDeploymentPageNamesWhatIsThere(t *testing.T) {
	b, err := os.ReadFile("../docs/deployment.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	paths := regexp.MustCompile(`\bdeploy/[A-Za-z0-9._/-]+`).FindAllString(page, -1)
	for _, path := range paths {
		if _, err := os.Stat("../" + strings.TrimRight(path, "./")); err != nil {
			t.Error(err)
		}
	}
	template := newStack(t, map[string]string{"Region": region}).template["Parameters"].(map[string]any)
	_, overrides, _ := strings.Cut(page, "--parameter-overrides ")
	overrides, _, _ = strings.Cut(overrides, "\n")
	given := map[string]string{}
	for _, one := range strings.Fields(overrides) {
		name, value, _ := strings.Cut(one, "=")
		if given[name] = value; template[name] == nil {
			t.Errorf("the template has no parameter %s", name)
		}
	}
	if made := newStack(t, given).roles(); made.personas["service-specific"].name == "" {
		t.Error("the page's parameters do not make the page's role")
	}
	_, block, _ := strings.Cut(page, "```hcl\n")
	block, _, _ = strings.Cut(block, "```")
	m := newModule(t, moduleArguments(t, block))
	if made := m.roles(); len(made.personas) != 2 || !m.whole("service-specific") {
		t.Errorf("the page's module makes %v", made.personas)
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range regexp.MustCompile(`\bmake ([a-z]+)`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(string(makefile), "\n"+target[1]+":") {
			t.Errorf("there is no make %s", target[1])
		}
	}
	if len(paths) < 10 || len(given) < 5 {
		t.Errorf("found %d paths and %d parameters", len(paths), len(given))
	}
}

// The manifests run the version of the server that the end-to-end suite runs.
func TestTheServersVersionIsTheOneThatIsTested(t *testing.T) {
	b, err := os.ReadFile("../e2e/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^awslabs\.ecs-mcp-server==(\S+)$`).FindSubmatch(b)
	if version == nil {
		t.Fatal("e2e/requirements.txt has no server")
	}
	for path, form := range map[string]string{
		"server.Dockerfile": "ARG SERVER=%s\n", "kubernetes/base/kustomization.yaml": "/ecs-mcp-server, newTag: %s}",
		"compose/compose.yaml": "/ecs-mcp-server:%s}", "ecs/two-containers.json": "/ecs-mcp-server:%s\"",
	} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(form, version[1]); !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
}
