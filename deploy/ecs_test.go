package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// task is what these tests look at of a task definition.
type task struct {
	TaskRoleArn, PidMode, IpcMode, NetworkMode string
	Volumes                                    []struct{ Name string }
	ContainerDefinitions                       []ecsContainer
}

type ecsContainer struct {
	Name, User             string
	Essential, Privileged  bool
	ReadonlyRootFilesystem bool
	EntryPoint, Command    []string
	StopTimeout            int
	Environment            []struct{ Name, Value string }
	Secrets                []struct{ Name, ValueFrom string }
	MountPoints            []struct {
		SourceVolume, ContainerPath string
		ReadOnly                    bool
	}
	HealthCheck      *struct{ Command []string }
	LogConfiguration *struct{ LogDriver string }
	LinuxParameters  struct{ Capabilities struct{ Add, Drop []string } }
	DependsOn        []struct{ ContainerName, Condition string }
}

func (c ecsContainer) mounts(volume string) (path string, readOnly, ok bool) {
	for _, m := range c.MountPoints {
		if m.SourceVolume == volume {
			return m.ContainerPath, m.ReadOnly, true
		}
	}
	return "", false, false
}

func (c ecsContainer) env(name string) string {
	for _, e := range c.Environment {
		if e.Name == name {
			return e.Value
		}
	}
	return ""
}

func readTask(t *testing.T, path string) (task, map[string]ecsContainer) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var d task
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	byName := map[string]ecsContainer{}
	for _, c := range d.ContainerDefinitions {
		byName[c.Name] = c
	}
	return d, byName
}

var taskFiles = []string{"ecs/two-containers.json", "ecs/one-container.json"}

// The catalogue checks the arguments of RegisterTaskDefinition against AWS's own
// model of them, member for member.
func TestTheTaskDefinitionsAreWhatAWSTakes(t *testing.T) {
	c, err := catalog.Builtin("awslabs.ecs-mcp-server")
	if err != nil {
		t.Fatal(err)
	}
	env := catalog.Env{Partition: "aws", Account: account, Region: region}
	for _, path := range taskFiles {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		register := func(definition string) error {
			_, err := c.Resolve(env, "ecs_resource_management", json.RawMessage(`{"api_operation":"RegisterTaskDefinition","api_params":`+definition+`}`))
			return err
		}
		if err := register(string(b)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err := register(strings.Replace(string(b), `"stopTimeout"`, `"stopTimout"`, 1)); err == nil {
			t.Errorf("%s: a misspelled member is taken", path)
		}
	}
}

func TestContainersOfATaskAreKeptApart(t *testing.T) {
	for _, path := range taskFiles {
		d, containers := readTask(t, path)
		if d.PidMode != "" || d.IpcMode != "" || d.NetworkMode != "awsvpc" {
			t.Errorf("%s: the containers share more than the network", path)
		}
		users := map[string]bool{}
		for name, c := range containers {
			user, _, numeric := strings.Cut(c.User, ":")
			if users[user] || !numeric {
				t.Errorf("%s: %s shares a user, or has none: %q", path, name, c.User)
			}
			users[user] = true
			if !c.ReadonlyRootFilesystem || c.Privileged || len(c.LinuxParameters.Capabilities.Drop) == 0 || c.LinuxParameters.Capabilities.Add != nil {
				t.Errorf("%s: %s may do more than it needs", path, name)
			}
			if c.LogConfiguration == nil {
				t.Errorf("%s: %s has no log", path, name)
			}
			if !c.Essential { // it writes files and ends
				continue
			}
			if user == "0" || !slices.Equal(c.LinuxParameters.Capabilities.Drop, []string{"ALL"}) || len(c.Secrets) > 0 {
				t.Errorf("%s: %s is root, has capabilities, or secrets in its environment", path, name)
			}
		}
		proxy := containers["proxy"]
		if proxy.StopTimeout <= 30 { // serve takes up to 30 s to let calls end
			t.Errorf("%s: the proxy is killed after %d s", path, proxy.StopTimeout)
		}
		configured := parse(t, strings.TrimSuffix(path, ".json")+".yaml")
		if proxy.HealthCheck == nil || !slices.Equal(proxy.HealthCheck.Command, append([]string{"CMD"}, askedAlive(configured)...)) {
			t.Errorf("%s: health: %+v", path, proxy.HealthCheck)
		}
		if !slices.Equal(proxy.Command, []string{"serve", "--config", "/config/ecs-mcp-proxy.yaml"}) {
			t.Errorf("%s: the proxy runs %q", path, proxy.Command)
		}
		if made := fromCloudFormation(t, "ecs", ""); !strings.HasSuffix(d.TaskRoleArn, ":role/"+made.proxy.name) {
			t.Errorf("%s: the task's role is %s", path, d.TaskRoleArn)
		}
	}
}

// The configurations beside them fit: the program takes them, and the files and
// addresses in them are those of the containers.
func TestTheConfigurationsFitTheirTasks(t *testing.T) {
	for _, path := range taskFiles {
		_, containers := readTask(t, path)
		c := parse(t, strings.TrimSuffix(path, ".json")+".yaml")
		for _, token := range c.Listen.Auth.Tokens {
			if at, readOnly, ok := containers["proxy"].mounts("config"); !ok || !readOnly || filepath.Dir(token.File) != at {
				t.Errorf("%s: the token %s is not where the container has it", path, token.File)
			}
		}
		if at, _, ok := containers["proxy"].mounts("state"); !ok || filepath.Dir(c.Audit.File) != at {
			t.Errorf("%s: the record %s is not on a volume", path, c.Audit.File)
		}
	}
	_, containers := readTask(t, "ecs/two-containers.json")
	server, u := containers["server"], parse(t, "ecs/two-containers.yaml").Upstream.URLs[0]
	if got, want := server.env("AWS_CONTAINER_CREDENTIALS_FULL_URI"), "http://"+u.Credentials.Listen+"/credentials"; got != want {
		t.Errorf("the server draws from %s, the proxy listens at %s", got, want)
	}
	if server.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") != u.Credentials.TokenFile {
		t.Error("the server's token is elsewhere")
	}
	if got := "http://" + server.env("FASTMCP_HOST") + ":" + server.env("FASTMCP_PORT") + "/mcp"; got != u.URL {
		t.Errorf("the server listens at %s, the proxy calls %s", got, u.URL)
	}
	if _, group, _ := strings.Cut(server.User, ":"); group != fmt.Sprint(u.Credentials.TokenGroup) {
		t.Errorf("the server's group is %s, the token's %d", group, u.Credentials.TokenGroup)
	}
	if _, readOnly, ok := server.mounts("lease"); !ok || !readOnly {
		t.Error("the server can change its token, or has none")
	}
	for _, volume := range []string{"config", "state", "tmp"} {
		if _, _, ok := server.mounts(volume); ok {
			t.Errorf("the server sees the proxy's %s", volume)
		}
	}
}

// parse reads a configuration as serve does.
func parse(t *testing.T, path string) *config.Config {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(b)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if err := c.ValidateServe(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for name, p := range c.Personas {
		if want := "arn:aws:iam::" + account + ":role/ecs-mcp-" + name; p.Role != want || !slices.Equal(p.Identity, []string{name}) {
			t.Errorf("%s: persona %s has the role %s, not %s: its trust asks for the tag persona=%s", path, name, p.Role, want, name)
		}
	}
	return c
}

const asServer = "ECSMCP_TEST_IS_SERVER"

// TestMain is the server of the next test, when it is started as one: it looks
// for credentials as every AWS SDK does and prints whose it found.
func TestMain(m *testing.M) {
	if os.Getenv(asServer) == "" {
		os.Exit(m.Run())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	loaded, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRetryMaxAttempts(1))
	if err != nil {
		fmt.Println("none:", err)
		return
	}
	found, err := loaded.Credentials.Retrieve(ctx)
	if err != nil {
		fmt.Println("none:", err)
		return
	}
	fmt.Println("found", found.AccessKeyID)
}

// ECS puts AWS_CONTAINER_CREDENTIALS_RELATIVE_URI into every container, and SDKs
// prefer it to the full URI. The server's command line takes it away, so that
// what is found is the call's lease, or nothing.
// Source: AWS SDKs and Tools reference guide, "Container credential provider".
func TestAServerWithTheTasksCredentialAddressGetsLeaseKeysOrNone(t *testing.T) {
	d := deploy(t, fromCloudFormation(t, "ecs", ""))
	g, err := grant.NewBroker(d.as(d.proxy)).Mint(t.Context(), grant.Order{
		DecisionID: "evojzp4iusk4ul2dtuwy", Role: "arn:aws:iam::" + account + ":role/ecs-mcp-troubleshooting", Region: region, SourceIdentity: "alice-0123456789ab",
		Tags: map[string]string{"persona": "troubleshooting"}, Deadline: time.Now().Add(time.Minute),
		Items: []grant.Item{{Access: authz.Access{Action: "ecs:DescribeClusters", Resource: "arn:aws:ecs:" + region + ":" + account + ":cluster/shop"}}}})
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, file := free.Addr().String(), filepath.Join(t.TempDir(), "token")
	free.Close()
	endpoint, err := grant.ListenAt(address, file)
	if err != nil {
		t.Fatal(err)
	}
	defer endpoint.Close()

	_, containers := readTask(t, "ecs/two-containers.json")
	server := containers["server"]
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	look := func() string {
		command := exec.Command(server.EntryPoint[0], append(slices.Clone(server.EntryPoint[1:]), self)...)
		command.Env = []string{"PATH=/usr/bin:/bin", asServer + "=1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/of-the-task"}
		for _, e := range server.Environment {
			value := strings.NewReplacer("127.0.0.1:9911", address, "/run/ecs-mcp-proxy/server.token", file).Replace(e.Value)
			command.Env = append(command.Env, e.Name+"="+value)
		}
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if got := look(); !strings.HasPrefix(got, "none:") || strings.Contains(got, "169.254") {
		t.Errorf("between calls: %s", got)
	}
	end := endpoint.Lease(g)
	if got := look(); got != "found "+g.AccessKeyID {
		t.Errorf("during a call: %s, want %s", got, g.AccessKeyID)
	}
	end()
	if got := look(); !strings.HasPrefix(got, "none:") {
		t.Errorf("after the call: %s", got)
	}
}
