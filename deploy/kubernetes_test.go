//go:build deploy

package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// manifest is what these tests look at of a Kubernetes object. The names are
// matched without case.
type manifest struct {
	Kind     string
	Metadata struct {
		Name        string
		Annotations map[string]string
	}
	AutomountServiceAccountToken *bool
	Data                         map[string]string
	Spec                         struct {
		Template struct {
			Metadata struct{ Annotations map[string]string }
			Spec     podSpec
		}
		Egress []struct {
			To []struct {
				IPBlock struct {
					CIDR   string
					Except []string
				}
			}
			Ports []struct{ Port int }
		}
	}
}

type podSpec struct {
	AutomountServiceAccountToken                *bool
	ShareProcessNamespace, HostNetwork, HostPID bool
	TerminationGracePeriodSeconds               int
	SecurityContext                             struct {
		RunAsNonRoot bool
		FSGroup      int
	}
	Containers []podContainer
	Volumes    []map[string]any
}

type podContainer struct {
	Name            string
	Command, Args   []string
	SecurityContext struct {
		RunAsUser                          int
		AllowPrivilegeEscalation           *bool
		ReadOnlyRootFilesystem, Privileged bool
		Capabilities                       struct{ Add, Drop []string }
	}
	StartupProbe, ReadinessProbe, LivenessProbe *struct{ Exec struct{ Command []string } }
	VolumeMounts                                []struct {
		Name, MountPath string
		ReadOnly        bool
	}
}

// built reads what kustomize made of a variant.
func built(t *testing.T, variant string) map[string]manifest {
	t.Helper()
	dir := os.Getenv("ECSMCP_DEPLOY")
	if dir == "" {
		t.Fatal("ECSMCP_DEPLOY names no directory; run: make deploy")
	}
	b, err := os.ReadFile(filepath.Join(dir, variant+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string]manifest{}
	for text := range strings.SplitSeq(string(b), "\n---\n") {
		object, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var m manifest
		if err := json.Unmarshal(object, &m); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		byKind[m.Kind] = m
	}
	return byKind
}

var variants = []string{"irsa", "pod-identity"}

func TestPodsKeepTheServerFromTheProxysCredentials(t *testing.T) {
	for _, variant := range variants {
		objects := built(t, variant)
		template := objects["Deployment"].Spec.Template
		pod := template.Spec
		if template.Metadata.Annotations["eks.amazonaws.com/skip-containers"] != "server" {
			t.Errorf("%s: the webhook does not skip the server", variant)
		}
		for what, automount := range map[string]*bool{"pod": pod.AutomountServiceAccountToken, "service account": objects["ServiceAccount"].AutomountServiceAccountToken} {
			if automount == nil || *automount {
				t.Errorf("%s: the %s has Kubernetes's token", variant, what)
			}
		}
		if pod.ShareProcessNamespace || pod.HostNetwork || pod.HostPID || !pod.SecurityContext.RunAsNonRoot {
			t.Errorf("%s: the containers share more than the network", variant)
		}
		mounted := map[string][]string{}
		for _, c := range pod.Containers {
			s := c.SecurityContext
			if s.RunAsUser < 1000 || !s.ReadOnlyRootFilesystem || s.Privileged || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
				!slices.Equal(s.Capabilities.Drop, []string{"ALL"}) || s.Capabilities.Add != nil {
				t.Errorf("%s: %s may do more than it needs: %+v", variant, c.Name, s)
			}
			for _, m := range c.VolumeMounts {
				mounted[c.Name] = append(mounted[c.Name], m.Name)
				if c.Name == "server" && m.Name == "lease" && !m.ReadOnly {
					t.Errorf("%s: the server can change its token", variant)
				}
			}
		}
		if !slices.Equal(mounted["server"], []string{"lease", "server-tmp"}) {
			t.Errorf("%s: the server sees %q", variant, mounted["server"])
		}
		if pod.Containers[0].SecurityContext.RunAsUser == pod.Containers[1].SecurityContext.RunAsUser {
			t.Errorf("%s: one user runs both", variant)
		}
		for _, v := range pod.Volumes { // a token that everybody can mount
			if v["projected"] != nil || v["hostPath"] != nil {
				t.Errorf("%s: volume %v", variant, v["name"])
			}
		}
	}
}

func TestPodsAreAskedByTheProgramItself(t *testing.T) {
	for _, variant := range variants {
		objects := built(t, variant)
		pod := objects["Deployment"].Spec.Template.Spec
		proxy := pod.Containers[0]
		c, err := config.Parse([]byte(objects["ConfigMap"].Data["ecs-mcp-proxy.yaml"]))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []struct {
			name  string
			probe *struct{ Exec struct{ Command []string } }
			want  []string
		}{{"startup", proxy.StartupProbe, askedAlive(c)}, {"readiness", proxy.ReadinessProbe, askedReady(c)}, {"liveness", proxy.LivenessProbe, askedAlive(c)}} {
			if p.probe == nil || !slices.Equal(p.probe.Exec.Command, p.want) {
				t.Errorf("%s: %s: %+v, want %q", variant, p.name, p.probe, p.want)
			}
		}
		if pod.TerminationGracePeriodSeconds <= 30 { // serve takes up to 30 s to let calls end
			t.Errorf("%s: the pod is killed after %d s", variant, pod.TerminationGracePeriodSeconds)
		}
		u := c.Upstream.URLs[0]
		server := strings.Join(pod.Containers[1].Command, " ")
		for _, want := range []string{"-u AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "-u AWS_ROLE_ARN", "-u AWS_WEB_IDENTITY_TOKEN_FILE",
			" AWS_CONTAINER_CREDENTIALS_FULL_URI=http://" + u.Credentials.Listen + "/credentials ", " AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + u.Credentials.TokenFile + " "} {
			if !strings.Contains(server, want) {
				t.Errorf("%s: the server is started without %q", variant, want)
			}
		}
		if pod.SecurityContext.FSGroup != u.Credentials.TokenGroup {
			t.Errorf("%s: the token's group is %d, the volumes' %d", variant, u.Credentials.TokenGroup, pod.SecurityContext.FSGroup)
		}
	}
}

// The addresses that hand out credentials: of the node to all its pods, and of
// the pod to whoever in it has the token. The second is open where it is needed.
func TestTheNetworkPolicyClosesTheCredentialAddresses(t *testing.T) {
	for _, variant := range variants {
		open := map[string]bool{}
		for _, rule := range built(t, variant)["NetworkPolicy"].Spec.Egress {
			for _, to := range rule.To {
				switch cidr := to.IPBlock.CIDR; {
				case cidr == "0.0.0.0/0":
					if !slices.Equal(to.IPBlock.Except, []string{"169.254.169.254/32", "169.254.170.23/32"}) {
						t.Errorf("%s: IPv4 but for %q", variant, to.IPBlock.Except)
					}
				case cidr == "::/0":
					if !slices.Equal(to.IPBlock.Except, []string{"fd00:ec2::254/128", "fd00:ec2::23/128"}) {
						t.Errorf("%s: IPv6 but for %q", variant, to.IPBlock.Except)
					}
				case cidr != "":
					open[cidr] = true
				}
			}
		}
		want := map[string]bool{}
		if variant == "pod-identity" {
			want = map[string]bool{"169.254.170.23/32": true, "fd00:ec2::23/128": true}
		}
		if len(open) != len(want) || open["169.254.170.23/32"] != want["169.254.170.23/32"] {
			t.Errorf("%s: open are %v", variant, open)
		}
		account := built(t, variant)["ServiceAccount"].Metadata.Annotations["eks.amazonaws.com/role-arn"]
		if (account != "") != (variant == "irsa") {
			t.Errorf("%s: the service account's role is %q", variant, account)
		}
	}
}
