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

// client is one SDK's program and what is known of how the SDK draws.
type client struct {
	name string // as in docs/e2e.md
	argv []string
	// lags: it signs with what it drew before and draws in the background.
	lags bool
	// lingers is for how long after a fetch it goes on with the key if the next
	// fetch fails.
	lingers time.Duration
}

// delivery is what a server that uses the SDK needs.
func (c client) delivery() grant.Delivery {
	if c.lags || c.lingers > 0 {
		return grant.DeliverProcess
	}
	return grant.DeliverLease
}

func clients(t *testing.T) []client {
	t.Helper()
	venv, sdks := os.Getenv("ECSMCP_E2E_VENV"), os.Getenv("ECSMCP_E2E_SDK")
	if venv == "" || sdks == "" {
		t.Fatal("ECSMCP_E2E_VENV and ECSMCP_E2E_SDK are not set: run `make e2e`")
	}
	program := filepath.Join(t.TempDir(), "client")
	if out, err := exec.Command("go", "build", "-o", program, "./go").CombinedOutput(); err != nil {
		t.Fatalf("build ./go: %v\n%s", err, out)
	}
	return []client{
		{name: "botocore, boto3", argv: []string{filepath.Join(venv, "bin/python"), "client.py"}},
		{name: "AWS CLI v1", argv: []string{"sh", "client.sh", filepath.Join(venv, "bin/aws")}},
		{name: "AWS SDK for Go v2", argv: []string{program}},
		// Its default chain answers with what it holds if that has not yet expired,
		// and refreshes meanwhile (memoizeChain in @aws-sdk/credential-provider-node).
		{name: "AWS SDK for JavaScript v3", argv: []string{"node", filepath.Join(sdks, "client.mjs")}, lags: true},
		// It holds a value that should be stale already for one second more
		// (CachedSupplier.handleFetchedSuccess in its utils).
		{name: "AWS SDK for Java 2", argv: []string{"java", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(sdks, "lib", "*"), "Client.java"}, lingers: time.Second},
	}
}

func TestEachSDKSignsWithTheGrantOfTheLeaseAndNothingWithoutOne(t *testing.T) {
	rows := []string{fmt.Sprintf("%-26s %-29s %-12s %9s  %s", "SDK", "version", "token in", "requests", "delivery")}
	for _, c := range clients(t) {
		for _, in := range []string{"environment", "file"} {
			t.Run(c.name+", token in the "+in, func(t *testing.T) {
				s := newScene(t, c)
				s.open(in == "file")
				s.start(s.endpoint.Environ())
				s.play()
				if c.lags && len(s.faults) == 0 {
					t.Error("it draws for each request after all: correct this table and docs/e2e.md")
				}
				rows = append(rows, fmt.Sprintf("%-26s %-29s %-12s %9d  %s", c.name, s.version, in, len(s.asked()), c.delivery()))
				if c.lingers > 0 {
					rows = append(rows, fmt.Sprintf("    for up to %s after a fetch it goes on with that key", c.lingers))
				}
				for _, fault := range s.faults {
					rows = append(rows, "    "+fault)
				}
			})
		}
	}
	t.Log("\n" + strings.Join(rows, "\n"))
}

func TestEachSDKSignsWithTheGrantOfItsProcess(t *testing.T) {
	for _, c := range clients(t) {
		t.Run(c.name, func(t *testing.T) {
			for range 2 {
				s := newScene(t, c)
				g := s.mint()
				s.start(g.Environ())
				s.signed("process", g)
			}
		})
	}
}

func TestTheDocumentationSaysWhatEachSDKNeeds(t *testing.T) {
	page, err := os.ReadFile("../../docs/e2e.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients(t) {
		if row := fmt.Sprintf("\n| %s | `%s` |", c.name, c.delivery()); !strings.Contains(string(page), row) {
			t.Errorf("docs/e2e.md has no row %q", row)
		}
	}
}

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
