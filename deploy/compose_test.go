package deploy_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

type composeService struct {
	Image           string            `yaml:"image"`
	User            string            `yaml:"user"`
	ReadOnly        bool              `yaml:"read_only"`
	CapDrop         []string          `yaml:"cap_drop"`
	SecurityOpt     []string          `yaml:"security_opt"`
	NetworkMode     string            `yaml:"network_mode"`
	Pid             string            `yaml:"pid"`
	Ports           []string          `yaml:"ports"`
	Environment     map[string]string `yaml:"environment"`
	Volumes         []string          `yaml:"volumes"`
	Secrets         []any             `yaml:"secrets"`
	Configs         []any             `yaml:"configs"`
	StopGracePeriod string            `yaml:"stop_grace_period"`
	Healthcheck     *struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
}

func TestComposeSharesTheNetworkAndNothingElse(t *testing.T) {
	b, err := os.ReadFile("compose/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]composeService `yaml:"services"`
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	proxy, server := file.Services["proxy"], file.Services["server"]
	for name, s := range file.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) || s.Pid != "" {
			t.Errorf("%s may do more than it needs: %+v", name, s)
		}
	}
	if server.NetworkMode != "service:proxy" || len(server.Ports) > 0 {
		t.Error("the server does not share the proxy's network, and its SDK takes credentials from loopback only")
	}
	if !slices.Equal(server.Volumes, []string{"lease:/run/ecs-mcp-proxy:ro"}) || server.Secrets != nil || server.Configs != nil {
		t.Errorf("the server sees %q", server.Volumes)
	}
	for _, port := range proxy.Ports {
		if !strings.HasPrefix(port, "127.0.0.1:") {
			t.Errorf("port %s is open to other machines", port)
		}
	}
	configured := parse(t, "compose/ecs-mcp-proxy.yaml")
	if proxy.Healthcheck == nil || !slices.Equal(proxy.Healthcheck.Test, append([]string{"CMD"}, askedAlive(configured)...)) || proxy.StopGracePeriod != "60s" {
		t.Errorf("%+v", proxy)
	}
	u := configured.Upstream.URLs[0]
	if server.Environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] != "http://"+u.Credentials.Listen+"/credentials" ||
		server.Environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] != u.Credentials.TokenFile ||
		"http://"+server.Environment["FASTMCP_HOST"]+":"+server.Environment["FASTMCP_PORT"]+"/mcp" != u.URL {
		t.Error("the server's addresses are not the configuration's")
	}
	for name := range server.Environment {
		if strings.HasPrefix(name, "AWS_ACCESS") || strings.HasPrefix(name, "AWS_SECRET") || strings.HasPrefix(name, "AWS_SESSION") {
			t.Errorf("the server is given %s", name)
		}
	}
	uid, group, _ := strings.Cut(server.User, ":")
	if own, _, _ := strings.Cut(proxy.User, ":"); own == uid || own == "0" || group != "65532" || u.Credentials.TokenGroup != 65532 {
		t.Errorf("users %s and %s", proxy.User, server.User)
	}
}

func TestTheKubernetesConfigurationIsOneThatServeTakes(t *testing.T) {
	parse(t, "kubernetes/base/ecs-mcp-proxy.yaml")
}
