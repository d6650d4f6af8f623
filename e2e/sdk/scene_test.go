//go:build e2e

package sdk

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
)

const region = "us-east-1"

// patience is how long one request may take. Without credentials botocore tries
// three times, a second apart, and a busy machine takes its own time.
const patience = 2 * time.Minute

// scene is one SDK in front of one endpoint and a strict AWS.
type scene struct {
	t        *testing.T
	client   client
	aws      *fakeaws.AWS
	url      string // of aws
	broker   *grant.Broker
	role     string
	endpoint *grant.Endpoint
	restart  func() // closes the endpoint and opens it with another token; nil if it cannot be
	minted   int

	in      io.Writer
	out     <-chan string
	version string
	faults  []string // of a client that is known to have them
}

func newScene(t *testing.T, c client) *scene {
	t.Helper()
	s := &scene{t: t, client: c, aws: fakeaws.New(fakeaws.Config{})}
	var err error
	if s.url, err = s.aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.aws.Close() })
	s.openBroker()
	return s
}

// fault fails the test, unless the client is known to sign with old keys.
func (s *scene) fault(format string, args ...any) {
	s.t.Helper()
	if s.client.lags {
		s.faults = append(s.faults, fmt.Sprintf(format, args...))
		return
	}
	s.t.Errorf(format, args...)
}

// openBroker gives the proxy its own identity and a role, as in the broker's own tests.
func (s *scene) openBroker() {
	s.t.Helper()
	key, err := s.aws.AddUser("proxy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}]}`)
	if err != nil {
		s.t.Fatal(err)
	}
	s.role, err = s.aws.AddRole(fakeaws.Role{Name: "mcp", Identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:*","Resource":"*"}]}`}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.broker = grant.NewBroker(sts.NewFromConfig(aws.Config{Region: region, BaseEndpoint: &s.url,
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")}))
}

// open opens an endpoint as for a server that the proxy starts, or on a configured
// port with the token in a file.
func (s *scene) open(file bool) {
	s.t.Helper()
	var err error
	if s.endpoint, err = grant.Listen(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.endpoint.Close() })
	if !file {
		return
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	address, path := free.Addr().String(), filepath.Join(s.t.TempDir(), "token")
	free.Close()
	s.restart = func() {
		s.t.Helper()
		err := s.endpoint.Close()
		if err == nil {
			s.endpoint, err = grant.ListenAt(address, path)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	s.restart()
}

// start runs the client in the environment of a server, with an administrator's
// keys lying in its home.
func (s *scene) start(credentials []string) {
	s.t.Helper()
	admin, err := s.aws.AddUser("admin", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	if err != nil {
		s.t.Fatal(err)
	}
	home := s.t.TempDir()
	planted := fmt.Sprintf("[default]\naws_access_key_id=%s\naws_secret_access_key=%s\n", admin.ID, admin.Secret)
	if err := os.MkdirAll(filepath.Join(home, ".aws"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".aws", "credentials"), []byte(planted), 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), s.client.argv[0], s.client.argv[1:]...)
	cmd.Env = lane.Environment{Region: region, Endpoint: s.url, Home: home}.Build(credentials)
	var stderr bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &stderr, patience
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := make(chan string)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	s.t.Cleanup(func() {
		in.Close()
		for range lines { // what it says after the last answer is asked for
		}
		<-read
		err := cmd.Wait()
		if s.t.Failed() {
			s.t.Logf("%s ended: %v\n%s", s.client.name, err, stderr.String())
		}
	})
	s.in, s.out = in, lines
	if s.version = s.line(); s.version == "" {
		s.t.Fatal("the client did not start")
	}
}

// play changes leases under one client: none, A, B, none, C, D, none.
func (s *scene) play() {
	s.t.Helper()
	s.closed("before the first lease")
	s.leased("A")
	s.leased("B")
	s.closed("after B")
	if s.restart != nil {
		s.restart()
		s.closed("after a restart with another token")
	}
	s.leased("C")
	s.leased("D")
	s.closed("after D")
	for _, r := range s.aws.Requests() {
		if r.Code != "" {
			s.t.Errorf("AWS refused %s of %s: %s", r.Action, r.AccessKeyID, r.Code)
		}
	}
}

// leased sends two requests under a lease of a new grant.
func (s *scene) leased(name string) {
	s.t.Helper()
	g := s.mint()
	end := s.endpoint.Lease(g)
	s.signed("lease "+name, g)
	if draws := end(); draws < 2 {
		s.fault("under lease %s: %d draws for 2 requests", name, draws)
	}
}

// signed sends two requests, which are to be signed with g.
func (s *scene) signed(under string, g *grant.Grant) {
	s.t.Helper()
	seen := len(s.asked())
	for range 2 {
		if answer := s.ask(); answer != "ok" {
			s.fault("under %s: %s", under, answer)
		}
	}
	asked := s.asked()[seen:]
	if len(asked) != 2 {
		s.fault("under %s: %d requests reached AWS, 2 were sent", under, len(asked))
	}
	for i, r := range asked {
		if r.AccessKeyID != g.AccessKeyID {
			s.fault("under %s: request %d is signed with another key", under, i+1)
		}
	}
}

// closed wants a request to fail before it reaches AWS.
func (s *scene) closed(when string) {
	s.t.Helper()
	time.Sleep(2 * s.client.lingers)
	seen := len(s.asked())
	if answer := s.ask(); !strings.HasPrefix(answer, "error ") {
		s.fault("%s: %q, want an error", when, answer)
	}
	for _, r := range s.asked()[seen:] {
		s.fault("%s: %s reached AWS, signed with an old key", when, r.Action)
	}
}

// mint returns a grant that no other shares.
func (s *scene) mint() *grant.Grant {
	s.t.Helper()
	s.minted++
	g, err := s.broker.Mint(s.t.Context(), grant.Order{
		DecisionID: fmt.Sprintf("d%d", s.minted), Role: s.role, Region: region, SourceIdentity: grant.SourceIdentity("os-user", "alice"),
		Items:    []grant.Item{{Access: authz.Access{Action: "ecs:ListClusters", Resource: "*", Unscopable: true}}},
		Deadline: time.Now().Add(10 * time.Minute),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return g
}

// asked returns what reached AWS but for what the broker sent.
func (s *scene) asked() (seen []fakeaws.Request) {
	for _, r := range s.aws.Requests() {
		if r.Service != "sts" {
			seen = append(seen, r)
		}
	}
	return seen
}

func (s *scene) ask() string {
	s.t.Helper()
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		s.t.Fatal(err)
	}
	return s.line()
}

func (s *scene) line() string {
	s.t.Helper()
	select {
	case line, ok := <-s.out:
		if !ok {
			s.t.Fatal("the client ended")
		}
		return line
	case <-time.After(patience):
		s.t.Fatalf("no answer in %s", patience)
		return ""
	}
}
