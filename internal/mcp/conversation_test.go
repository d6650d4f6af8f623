package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"go.uber.org/zap/zaptest"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/facts"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// played is a server that the test plays.
type played struct {
	lane      int
	environ   []string
	serverIn  *bufio.Reader  // the server reads
	serverOut io.WriteCloser // the server writes
	crashed   func()         // it ends with a failure
	ended     <-chan struct{}
}

// play is a process that the test plays. Killed says that it was killed.
func play(lane int, environ []string, killed func()) (*played, Process) {
	serverRead, serverWrite := io.Pipe()
	answerRead, answerWrite := io.Pipe()
	ended, clean := make(chan struct{}), true
	end := sync.OnceFunc(func() {
		answerWrite.Close()
		serverRead.Close()
		close(ended)
	})
	var mu sync.Mutex
	fail := func() {
		mu.Lock()
		clean = false
		mu.Unlock()
		end()
	}
	return &played{lane, environ, bufio.NewReader(serverRead), answerWrite, fail, ended}, Process{Stdin: serverWrite, Stdout: answerRead, Done: ended,
		Stop: func() bool {
			end()
			mu.Lock()
			defer mu.Unlock()
			return clean
		},
		Kill: func() { killed(); fail() }}
}

// table is a conversation with real policy, catalogue, grants and record, a
// strict AWS in memory, and a server and a client that the test plays.
type table struct {
	t         *testing.T
	aws       *fakeaws.AWS
	gate      *Gate
	url       string // of AWS
	auditFile string
	killed    chan struct{}

	toProxy      io.WriteCloser // the client writes
	fromProxy    *bufio.Reader  // the client reads
	conversing   chan struct{}
	conversation *Conversation
	*played                   // the session's first server
	started      chan *played // every server, as it is started
}

var engine = sync.OnceValues(func() (*policy.Engine, error) {
	personas := map[string]policy.Persona{}
	for name, identity := range map[string]string{"reader": "read-only-monitoring", "deployer": "deployment"} {
		values := map[string]string{"region": "us-east-1", "account": "123456789012", "partition": "aws"}
		var p policy.Persona
		for document, list := range map[string]*[]policy.Document{identity: &p.Identity, "region-and-production": &p.Boundary, "default": &p.MCP} {
			d, err := policy.Builtin(document, values)
			if err != nil {
				return nil, err
			}
			*list = append(*list, d)
		}
		personas[name] = p
	}
	return policy.New(context.Background(), personas)
})

// limit is how long a test waits for what comes at once, unless the machine
// stands still.
const limit = time.Minute

// oneLane is a session with one server, which has all the time there is to answer
// a call that was given up on.
var oneLane = lane.Config{Lanes: 1, Delivery: grant.DeliverLease, Grace: time.Hour}

// hasty is oneLane of a server that is soon killed if it does not answer.
var hasty = lane.Config{Lanes: 1, Delivery: grant.DeliverLease, Grace: 200 * time.Millisecond}

// converse starts a conversation of persona with one server; change may alter the gate first.
func converse(t *testing.T, persona string, change func(*Gate)) *table {
	t.Helper()
	return converseOn(t, oneLane, persona, change)
}

// converseOn is converse with other lanes.
func converseOn(t *testing.T, lanes lane.Config, persona string, change func(*Gate)) *table {
	t.Helper()
	return converseWith(t, lanes, persona, change, func(*Process) {})
}

// converseWith lets a test say what kind of process the server is, before the
// conversation knows it.
func converseWith(t *testing.T, lanes lane.Config, persona string, change func(*Gate), kind func(*Process)) *table {
	t.Helper()
	tb := &table{t: t, aws: fakeaws.New(fakeaws.Config{}), auditFile: filepath.Join(t.TempDir(), "audit.jsonl"), killed: make(chan struct{}), started: make(chan *played, 64), conversing: make(chan struct{})}
	url, err := tb.aws.Start()
	check(t, err)
	tb.url = url
	t.Cleanup(func() {
		tb.aws.Close()
		for _, v := range tb.aws.Violations() {
			t.Errorf("AWS saw a violation: %s", v)
		}
	})
	key, err := tb.aws.AddUser("proxy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:*","ecs:Describe*"],"Resource":"*"}]}`)
	check(t, err)
	role, err := tb.aws.AddRole(fakeaws.Role{Name: "mcp", Identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}})
	check(t, err)
	for _, environment := range []string{"staging", "production"} {
		tags := map[string]string{"Environment": environment}
		tb.aws.AddCluster(environment, tags)
		tb.aws.AddService(environment, "checkout", tags)
	}
	config := aws.Config{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")}
	_, err = engine()
	check(t, err)
	servers, err := catalog.Builtin("awslabs.ecs-mcp-server")
	check(t, err)
	records, err := audit.Open(tb.auditFile)
	check(t, err)
	t.Cleanup(func() { records.Close() })
	killed := sync.OnceFunc(func() { close(tb.killed) })
	c := NewConversation(wire.Limits{}, zaptest.NewLogger(t), func(lane int, means grant.Means) (Process, error) {
		server, process := play(lane, means.Environ, killed)
		kind(&process)
		tb.started <- server
		return process, nil
	})
	lanes.Open = c.Open
	tb.gate = &Gate{
		Caller: Caller{Principal: authz.Principal{ID: "alice", Kind: authz.KindOSUser}, Persona: persona, Role: role,
			Env: catalog.Env{Partition: "aws", Account: "123456789012", Region: "us-east-1"}},
		Catalog: servers, Facts: facts.New(lookups(config), 0), Grants: grant.NewBroker(sts.NewFromConfig(config)),
		Policy:   func(context.Context) (Decider, error) { return engine() },
		Lanes:    lane.New(lanes),
		Delivery: lanes.Delivery,
		Record:   records, Timeout: 30 * time.Second, FullDetail: true, ShowCommand: func(id string) string { return "ecs-mcp-proxy audit show " + id },
	}
	tb.gate.Tracer = following(t, tb.auditFile)
	if change != nil {
		change(tb.gate)
	}
	clientRead, clientWrite := io.Pipe()
	proxyRead, proxyWrite := io.Pipe()
	tb.toProxy, tb.fromProxy = clientWrite, bufio.NewReader(proxyRead)
	c.Gate = tb.gate
	tb.conversation = c
	go func() {
		defer close(tb.conversing)
		if err := c.Run(t.Context(), clientRead, proxyWrite); err != nil && t.Context().Err() == nil { // else the test was over before it began
			t.Error(err)
		}
		proxyWrite.Close()
	}()
	tb.played = <-tb.started
	t.Cleanup(func() {
		clientWrite.Close()
		tb.serverOut.Close()
		go io.Copy(io.Discard, proxyRead)
		<-tb.conversing
	})
	return tb
}

func lookups(config aws.Config) facts.Clients {
	return facts.Clients{ECS: ecs.NewFromConfig(config), CloudFormation: cloudformation.NewFromConfig(config), ECR: ecr.NewFromConfig(config),
		Logs: cloudwatchlogs.NewFromConfig(config)}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// say writes a line as the client, tell as the server.
func (tb *table) say(line string)  { tb.write(tb.toProxy, line) }
func (tb *table) tell(line string) { tb.write(tb.serverOut, line) }

func (tb *table) write(w io.Writer, line string) {
	tb.t.Helper()
	if _, err := io.WriteString(w, line+"\n"); err != nil {
		tb.t.Fatal(err)
	}
}

// hear reads the client's next line, get the server's.
func (tb *table) hear() string { tb.t.Helper(); return tb.read(tb.fromProxy) }
func (tb *table) get() string  { tb.t.Helper(); return tb.read(tb.serverIn) }

// another waits for a further server to be started.
func (tb *table) another() *played {
	tb.t.Helper()
	select {
	case server := <-tb.started:
		return server
	case <-time.After(limit):
		tb.t.Fatal("no further server was started")
		return nil
	}
}

func (tb *table) read(r *bufio.Reader) string {
	tb.t.Helper()
	type result struct {
		line string
		err  error
	}
	got := make(chan result, 1)
	go func() {
		line, err := r.ReadString('\n')
		got <- result{line, err}
	}()
	select {
	case g := <-got:
		if g.err != nil {
			tb.t.Fatalf("read: %v", g.err)
		}
		return strings.TrimSuffix(g.line, "\n")
	case <-time.After(limit):
		tb.t.Fatal("nothing came")
		return ""
	}
}

// records waits for n records and returns them; there must be no more.
func (tb *table) records(n int) []audit.Record {
	tb.t.Helper()
	records := tb.someRecords(n)
	if len(records) != n {
		tb.t.Fatalf("%d records, want %d", len(records), n)
	}
	return records
}

// someRecords waits for at least n records and returns all.
func (tb *table) someRecords(n int) []audit.Record {
	tb.t.Helper()
	var records []audit.Record
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		b, err := os.ReadFile(tb.auditFile)
		check(tb.t, err)
		if strings.Count(string(b), "\n") < n {
			continue
		}
		for line := range strings.Lines(string(b)) {
			var r audit.Record
			check(tb.t, json.Unmarshal([]byte(line), &r))
			records = append(records, r)
		}
		break
	}
	if len(records) < n {
		tb.t.Fatalf("there are no %d records", n)
	}
	return records
}

func manage(id any, operation, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%v,"method":"tools/call","params":{"name":"ecs_resource_management","arguments":{"api_operation":%q,"api_params":%s}}}`, id, operation, params)
}

const (
	readStaging   = `{"cluster":"staging","services":["checkout"]}`
	updateStaging = `{"cluster":"staging","service":"checkout","desiredCount":2}`
	deleteProd    = `{"cluster":"production","service":"checkout"}`
)

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s\ndoes not contain %s", text, p)
		}
	}
}

func classes(records []audit.Record) (out []string) {
	for _, r := range records {
		out = append(out, r.Phase+"/"+r.Class)
	}
	slices.Sort(out)
	return out
}

// lentKeys is what the credential endpoint answers.
type lentKeys struct{ AccessKeyId, SecretAccessKey, Token string }

// draw asks the credential endpoint as the first server would.
func (tb *table) draw() (keys lentKeys, err error) { return tb.drawAs(tb.played) }

func (tb *table) drawAs(server *played) (keys lentKeys, err error) {
	tb.t.Helper()
	environ := map[string]string{}
	for _, v := range server.environ {
		name, value, _ := strings.Cut(v, "=")
		environ[name] = value
	}
	r, err := http.NewRequestWithContext(tb.t.Context(), http.MethodGet, environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], nil)
	check(tb.t, err)
	r.Header.Set("Authorization", environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
	response, err := http.DefaultClient.Do(r)
	check(tb.t, err)
	defer response.Body.Close()
	check(tb.t, json.NewDecoder(response.Body).Decode(&keys))
	if response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return keys, err
}
