package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/facts"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// The interleaving: two principals, on their own sessions, make this many calls
// together.
const (
	interleaved = 1000
	lanesEach   = 4
)

// drawing is a server that does what it is asked: it draws credentials for each
// AWS request, as an SDK does, and now and then crashes in mid-call. It works on
// several calls at once, like the real one, and so may mix them up.
type drawing struct {
	aws    *http.Client
	url    string // of AWS
	seed   uint64
	starts *atomic.Uint64
}

func (d drawing) start(_ int, means grant.Means) (Process, error) {
	environ := means.Environ
	server, process := play(0, environ, func() {})
	where := map[string]string{}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		where[name] = value
	}
	random := rand.New(rand.NewPCG(d.seed, d.starts.Add(1)))
	crashAt := 20 + random.IntN(60) // calls
	go func() {
		var writing sync.Mutex
		var working sync.WaitGroup
		defer working.Wait()
		for n := 0; ; n++ {
			line, err := server.serverIn.ReadString('\n')
			if err != nil {
				server.serverOut.Close()
				return
			}
			m, err := wire.ReadClient([]byte(strings.TrimSpace(line)), wire.Limits{})
			if err != nil || m.Kind != wire.Request {
				continue
			}
			pause := time.Duration(random.IntN(3)) * time.Millisecond
			if n == crashAt {
				server.crashed()
				return
			}
			working.Go(func() {
				if m.Method == "tools/call" {
					d.serve(where, m, pause)
				}
				writing.Lock()
				defer writing.Unlock()
				fmt.Fprintf(server.serverOut, `{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25"}}`+"\n", m.ID)
			})
		}
	}()
	return process, nil
}

// serve makes three requests with the credentials of the moment.
func (d drawing) serve(where map[string]string, m *wire.Message, pause time.Duration) {
	var arguments struct {
		Params struct {
			Cluster  string   `json:"cluster"`
			Services []string `json:"services"`
		} `json:"api_params"`
	}
	if json.Unmarshal(m.Arguments, &arguments) != nil {
		return
	}
	for range 3 {
		time.Sleep(pause)
		r, err := http.NewRequest(http.MethodGet, where["AWS_CONTAINER_CREDENTIALS_FULL_URI"], nil)
		if err != nil {
			return
		}
		r.Header.Set("Authorization", where["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
		response, err := d.aws.Do(r)
		if err != nil {
			return
		}
		var keys lentKeys
		err = json.NewDecoder(response.Body).Decode(&keys)
		response.Body.Close()
		if err != nil || keys.AccessKeyId == "" {
			continue // refused: the call is over, but this server goes on
		}
		client := ecs.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &d.url, HTTPClient: d.aws, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyId, keys.SecretAccessKey, keys.Token)})
		_, _ = client.DescribeServices(context.Background(), &ecs.DescribeServicesInput{Cluster: &arguments.Params.Cluster, Services: arguments.Params.Services})
	}
}

// AWS sees of each request the key of its own call, and none after that call's
// end, whatever is cancelled and crashes meanwhile.
func TestInterleavedCallsOfTwoPrincipalsNeverShareKeys(t *testing.T) {
	before := runtime.NumGoroutine()
	files := descriptors(t)
	world := fakeaws.New(fakeaws.Config{})
	url, err := world.Start()
	check(t, err)
	key, err := world.AddUser("proxy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:*","ecs:Describe*"],"Resource":"*"}]}`)
	check(t, err)
	role, err := world.AddRole(fakeaws.Role{Name: "mcp", Identity: []string{allowAll}})
	check(t, err)
	world.AddCluster("staging", map[string]string{"Environment": "staging"})
	auditFile := filepath.Join(t.TempDir(), "audit.jsonl")
	records, err := audit.Open(auditFile)
	check(t, err)
	catalogue, err := catalog.Builtin("awslabs.ecs-mcp-server")
	check(t, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	config := aws.Config{Region: "us-east-1", BaseEndpoint: &url, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")}
	processes := lane.NewProcesses(2 * lanesEach)
	broker := grant.NewBroker(sts.NewFromConfig(config)) // shared, like everything but the session

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var sessions sync.WaitGroup
	for i, principal := range []string{"alice", "bob"} {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		c := NewConversation(wire.Limits{}, zap.NewNop(), drawing{&http.Client{Transport: transport}, url, seed + uint64(i), new(atomic.Uint64)}.start)
		c.Gate = &Gate{
			Caller: Caller{Principal: authz.Principal{ID: principal, Kind: authz.KindOSUser}, Persona: "reader", Role: role,
				Env: catalog.Env{Partition: "aws", Account: "123456789012", Region: "us-east-1"}},
			Catalog: catalogue, Facts: facts.New(lookups(config), 0), Grants: broker,
			Policy:   func(context.Context) (Decider, error) { return engine() },
			Lanes:    lane.New(lane.Config{Open: c.Open, Lanes: lanesEach, Processes: processes, Delivery: grant.DeliverLease, Grace: time.Second}),
			Delivery: grant.DeliverLease, Record: records, Timeout: time.Minute, ShowCommand: func(id string) string { return id },
		}
		sessions.Go(func() { interleave(t, c, random, i) })
	}
	sessions.Wait()
	check(t, records.Close())
	transport.CloseIdleConnections()

	checkKeys(t, world, auditFile)
	world.Close()
	for range 1200 {
		if runtime.NumGoroutine() <= before+2 && descriptors(t) <= files+2 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("left over: %d goroutines (%d before), %d descriptors (%d before)", runtime.NumGoroutine(), before, descriptors(t), files)
}

// interleave makes half of the calls, at most 16 at a time, and cancels some.
func interleave(t *testing.T, c *Conversation, random *rand.Rand, session int) {
	fromClient, client := io.Pipe()
	answers, toClient := io.Pipe()
	ended := done(func() {
		if err := c.Run(context.Background(), fromClient, toClient); err != nil {
			t.Error(err)
		}
		toClient.Close()
	})
	var writing sync.Mutex
	say := func(line string) {
		writing.Lock()
		defer writing.Unlock()
		if _, err := io.WriteString(client, line+"\n"); err != nil {
			t.Error(err)
		}
	}
	free := make(chan struct{}, 16)
	var mu sync.Mutex
	open := map[string]bool{}
	settle := func(id string) {
		mu.Lock()
		defer mu.Unlock()
		if open[id] {
			delete(open, id)
			<-free
		}
	}
	heard := done(func() {
		for lines := bufio.NewScanner(answers); lines.Scan(); {
			if m, err := wire.ReadServer(lines.Bytes(), wire.Limits{}); err == nil && m.Kind == wire.Response {
				settle(m.ID.String())
			}
		}
	})
	say(initialize)
	for n := range interleaved / 2 {
		id := fmt.Sprint(n + 1)
		free <- struct{}{}
		mu.Lock()
		open[id] = true
		mu.Unlock()
		// Each call is about a service of its own, so AWS's log tells whose a request is.
		say(manage(id, "DescribeServices", fmt.Sprintf(`{"cluster":"staging","services":["s%d-%d"]}`, session, n)))
		if random.IntN(8) == 0 {
			time.Sleep(time.Duration(random.IntN(4)) * time.Millisecond)
			say(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s}}`, id))
			settle(id) // no answer is due
		}
	}
	for range cap(free) {
		free <- struct{}{} // all are settled
	}
	client.Close()
	<-ended
	<-heard
}

// checkKeys compares AWS's log with the record.
func checkKeys(t *testing.T, world *fakeaws.AWS, auditFile string) {
	t.Helper()
	b, err := os.ReadFile(auditFile)
	check(t, err)
	type lent struct{ key, by string }
	byService := map[string]lent{}
	classes := map[string]int{}
	for line := range strings.Lines(string(b)) {
		var r audit.Record
		check(t, json.Unmarshal([]byte(line), &r))
		classes[r.Phase+"/"+r.Class]++
		if r.Phase == audit.PhaseRefusal && r.Class == classPolicy {
			t.Errorf("refused by a policy that allows all of it: %s", r.Message)
		}
		if r.Grant != nil {
			service := r.Input.Accesses[0].Resource
			byService[service[strings.LastIndexByte(service, '/')+1:]] = lent{r.Grant.AccessKeyID, r.RequestedBy}
		}
	}
	seen := 0
	for _, r := range world.Requests() {
		if r.Action != "ecs:DescribeServices" || r.Session == "" {
			continue
		}
		seen++
		var params struct {
			Services []string `json:"services"`
		}
		check(t, json.Unmarshal(r.Params, &params))
		if own := byService[params.Services[0]]; own.key != r.AccessKeyID {
			t.Errorf("the request about %s was signed with %s; its call was lent %s", params.Services[0], r.AccessKeyID, own.key)
		}
	}
	t.Logf("%d calls, %d requests at AWS, %v", len(byService), seen, classes)
	if seen < interleaved || classes["outcome/upstream"] == 0 || classes["outcome/answered"] == 0 {
		t.Errorf("the test tested little: %d requests, %v", seen, classes)
	}
	for _, v := range world.Violations() {
		t.Errorf("AWS saw a violation: %s", v)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return len(entries)
}
