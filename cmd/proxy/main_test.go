package main

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws/managed"
)

func TestMain(m *testing.M) {
	if !strings.HasSuffix(os.Args[0], ".test") {
		quick()
	}
	testscript.Main(m, map[string]func(){"ecs-mcp-proxy": main, "strange-server": strangeServer, "fastmcp": fastmcpMain})
}

// TestScripts runs the binary as its users do; each file in testdata is a story.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"fakeaws": startAWS, "count": count, "bundle": packBundle, "files": serveFiles},
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_STATE_HOME", e.WorkDir+"/state")
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			e.Setenv("AWS_CONFIG_FILE", os.DevNull)
			e.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
			return nil
		},
	})
}

// startAWS starts a strict AWS in memory for one script, with a service and more
// for staging and for production, a role that may do everything, and a user whose
// credentials are the proxy's: they are set in the environment, the address as
// $AWS_URL, the role as $ROLE, and the ECS MCP server that AWS manages as $MANAGED_URL.
func startAWS(ts *testscript.TestScript, _ bool, _ []string) {
	aws := fakeaws.New(fakeaws.Config{})
	url, err := aws.Start()
	ts.Check(err)
	ts.Defer(func() {
		ts.Check(aws.Close())
		for _, v := range aws.Violations() {
			ts.Fatalf("AWS saw a violation: %s", v)
		}
	})
	web := httptest.NewServer(managed.New(aws))
	ts.Defer(func() { web.CloseClientConnections(); web.Close() })
	ts.Setenv("MANAGED_URL", web.URL+"/mcp")
	key, err := aws.AddUser("ecs-mcp-proxy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:*","ecs:Describe*"],"Resource":"*"}]}`)
	ts.Check(err)
	role, err := aws.AddRole(fakeaws.Role{Name: "mcp", Identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}})
	ts.Check(err)
	for _, environment := range []string{"staging", "production"} {
		tags := map[string]string{"Environment": environment}
		aws.AddCluster(environment, tags)
		aws.AddService(environment, "checkout", tags)
		aws.AddTaskDefinition(environment, "", "", tags)
		aws.AddCapacityProvider(environment, tags)
		aws.AddStack(environment+"-ecr-infrastructure", tags)
		aws.AddRepository(environment+"-repo", tags)
		ts.Setenv(strings.ToUpper(environment)+"_INSTANCE", aws.AddContainerInstance("default", tags))
		ts.Setenv(strings.ToUpper(environment)+"_TASK_SET", aws.AddTaskSet(environment, "checkout", tags))
	}
	aws.AddTaskDefinition("job", "arn:aws:iam::123456789012:role/job", "", nil)
	ts.Setenv("AWS_ACCESS_KEY_ID", key.ID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", key.Secret)
	ts.Setenv("AWS_URL", url)
	ts.Setenv("ROLE", role)
}

// count FILE N TEXT fails unless N lines of the file contain the text.
func count(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: count FILE N TEXT")
	}
	if got := countLines(ts.ReadFile(args[0]), args[2]); got != args[1] {
		ts.Fatalf("%s has %s lines with %q, want %s", args[0], got, args[2], args[1])
	}
}
