//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// unserved are the operations that moto cannot serve, with the reason. What
// the server asked for is recorded and compared all the same; only the answer
// is missing. An entry that moto serves is a mistake here.
var unserved = map[string]string{
	"UpdateClusterSettings":         notInMoto,
	"ListServicesByNamespace":       notInMoto,
	"ListServiceDeployments":        notInMoto,
	"DescribeServiceDeployments":    notInMoto,
	"DescribeServiceRevisions":      notInMoto,
	"StopServiceDeployment":         notInMoto,
	"UpdateContainerAgent":          notInMoto,
	"GetTaskProtection":             notInMoto,
	"UpdateTaskProtection":          notInMoto,
	"ExecuteCommand":                notInMoto,
	"SubmitTaskStateChange":         notInMoto,
	"SubmitContainerStateChange":    notInMoto,
	"SubmitAttachmentStateChanges":  notInMoto,
	"CreateExpressGatewayService":   notInMoto,
	"DescribeExpressGatewayService": notInMoto,
	"UpdateExpressGatewayService":   notInMoto,
	"DeleteExpressGatewayService":   notInMoto,
	"PutAccountSettingDefault":      notInMoto,
}

const notInMoto = "not implemented in moto"

func TestEveryOperationStaysWithinWhatWasPredicted(t *testing.T) {
	s := open(t, everything)
	report := newReport()
	defer report.print(t)
	names := maps.Clone(world.seed)
	for _, sample := range samples {
		c := s.operate(t, sample.operation, params(t, sample.params, names))
		report.add(t, sample.operation, c)
		report.served(t, sample.operation, c)
		for name, path := range sample.keep {
			names[name] = lookUp(t, c.Text, path)
		}
		if arn, ok := sample.keep["labInstance"]; ok && arn != "" {
			names["labInstanceId"] = names["labInstance"][strings.LastIndexByte(names["labInstance"], '/')+1:]
		}
	}
	for operation := range unserved {
		if !slices.ContainsFunc(samples, func(s sample) bool { return s.operation == operation }) {
			t.Errorf("unserved names %s, which is not among the samples", operation)
		}
	}
}

// otherCalls are the calls of the other tools, with every branch of their way.
var otherCalls = []struct{ name, tool, arguments string }{
	{"guidance for a cluster", troubleshoot, `{"action":"get_ecs_troubleshooting_guidance","parameters":{"ecs_cluster_name":"staging"}}`},
	{"guidance for a service", troubleshoot, `{"action":"get_ecs_troubleshooting_guidance","parameters":{"ecs_cluster_name":"staging","ecs_service_name":"web","symptoms_description":"503"}}`},
	{"stack status", troubleshoot, `{"action":"fetch_cloudformation_status","parameters":{"cfn_stack_name":"web-stack"}}`},
	{"service events", troubleshoot, `{"action":"fetch_service_events","parameters":{"ecs_cluster_name":"staging","ecs_service_name":"web","time_window":600}}`},
	{"task failures", troubleshoot, `{"action":"fetch_task_failures","parameters":{"ecs_cluster_name":"staging"}}`},
	{"task logs", troubleshoot, `{"action":"fetch_task_logs","parameters":{"ecs_cluster_name":"staging"}}`},
	{"image pull by service", troubleshoot, `{"action":"detect_image_pull_failures","parameters":{"ecs_cluster_name":"staging","ecs_service_name":"web"}}`},
	{"image pull by task", troubleshoot, `{"action":"detect_image_pull_failures","parameters":{"ecs_cluster_name":"staging","ecs_task_id":"${taskId}"}}`},
	{"image pull by stack", troubleshoot, `{"action":"detect_image_pull_failures","parameters":{"cfn_stack_name":"web-stack"}}`},
	{"image pull by family", troubleshoot, `{"action":"detect_image_pull_failures","parameters":{"family_prefix":"web"}}`},
	{"network of a cluster", troubleshoot, `{"action":"fetch_network_configuration","parameters":{"ecs_cluster_name":"staging"}}`},
	{"network of a VPC", troubleshoot, `{"action":"fetch_network_configuration","parameters":{"ecs_cluster_name":"staging","vpc_id":"${vpc}"}}`},
	{"wait for a service", "wait_for_service_ready", `{"cluster":"staging","service_name":"web","timeout_seconds":1}`},
	{"Express prerequisites", "validate_ecs_express_mode_prerequisites", `{"image_uri":"${image}"}`},
	{"build an image", "build_and_push_image_to_ecr", `{"app_name":"web-app","app_path":"${app}"}`},
	{"delete an application", "delete_app", `{"service_arn":"arn:aws:ecs:us-east-1:123456789012:service/default/express","app_name":"web-app"}`},
	{"containerize", "containerize_app", `{"app_path":"${app}","port":80}`},
}

const troubleshoot = "ecs_troubleshooting_tool"

func TestEveryOtherToolStaysWithinWhatWasPredicted(t *testing.T) {
	s := open(t, everything)
	report := newReport()
	defer report.print(t)
	names := maps.Clone(world.seed)
	names["app"] = t.TempDir()
	names["taskId"] = names["task"][strings.LastIndexByte(names["task"], '/')+1:]
	write(t, filepath.Join(names["app"], "Dockerfile"), "FROM scratch\n")
	for _, other := range otherCalls {
		report.add(t, other.name, s.call(t, other.tool, params(t, other.arguments, names)))
	}
}

// report is the table of predicted and observed actions.
type report struct{ rows []string }

func newReport() *report {
	return &report{rows: []string{"CALL\tLENT\tNOT USED\tOBSERVED"}}
}

// add checks one call: it went ahead, every request of the server was signed
// with the grant of this call, and asked for an action that it was lent.
func (r *report) add(t *testing.T, name string, c called) {
	t.Helper()
	if c.Decision.Phase != audit.PhaseDecision {
		t.Errorf("%s: refused (%s): %s", name, c.Decision.Class, c.Decision.Message)
		return
	}
	lent := lentActions(c.Decision)
	var observed []string
	for _, request := range c.ByServer {
		if !slices.Contains(observed, request.Action()) {
			observed = append(observed, request.Action())
		}
	}
	slices.Sort(observed)
	for _, action := range observed {
		if !slices.Contains(lent, action) {
			t.Errorf("%s: the server used %s, which was not predicted; predicted: %s", name, action, strings.Join(lent, ", "))
		}
	}
	if len(observed) == 0 && len(lent) > 0 {
		t.Errorf("%s: the server sent no AWS request; it answered %.300s", name, c.Text)
	}
	signedByOwnGrant(t, name, c)
	unused := slices.DeleteFunc(slices.Clone(lent), func(a string) bool { return slices.Contains(observed, a) })
	r.rows = append(r.rows, fmt.Sprintf("%s\t%d\t%s\t%s", name, len(lent), strings.Join(unused, " "), strings.Join(observed, " ")))
}

// served checks that moto answered, or is known not to.
func (r *report) served(t *testing.T, operation string, c called) {
	t.Helper()
	failed := ""
	for _, request := range c.ByServer {
		if request.Status >= 300 {
			failed = fmt.Sprintf("%s: %.200s", request, request.Answer)
		}
	}
	reason, known := unserved[operation]
	switch {
	case failed != "" && !known:
		t.Errorf("%s: moto refused: %s", operation, failed)
	case failed == "" && known:
		t.Errorf("%s: moto serves it now: take it off the list of the unserved (%s)", operation, reason)
	case known:
		r.rows[len(r.rows)-1] += "\t" + reason
	}
}

func (r *report) print(t *testing.T) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(r.rows, "\n"))
	w.Flush()
	t.Logf("AWS actions, as lent and as observed:\n%s", b.String())
}

// lentActions are the AWS actions of the accesses that were allowed.
func lentActions(decision audit.Record) []string {
	var actions []string
	for _, a := range decision.Result.Granted(authz.Request{Accesses: decision.Input.Accesses}) {
		if !a.IsMCP() && !slices.Contains(actions, a.Action) {
			actions = append(actions, a.Action)
		}
	}
	slices.Sort(actions)
	return actions
}

// signedByOwnGrant checks that every request of the server during the call was
// signed with the access key of the call's own grant.
func signedByOwnGrant(t *testing.T, name string, c called) {
	t.Helper()
	for _, request := range c.ByServer {
		switch {
		case c.Decision.Grant == nil:
			t.Errorf("%s: %s, although nothing was lent", name, request)
		case request.AccessKeyID != c.Decision.Grant.AccessKeyID || request.Region != region && request.Service != "iam":
			t.Errorf("%s: %s, but the call's grant is %s", name, request, c.Decision.Grant.AccessKeyID)
		}
	}
}

// params fills the names into JSON.
func params(t *testing.T, text string, names map[string]string) map[string]any {
	t.Helper()
	var filled map[string]any
	text = os.Expand(text, func(name string) string {
		if names[name] == "" {
			t.Fatalf("nothing is known as %q in %s", name, text)
		}
		return names[name]
	})
	if err := json.Unmarshal([]byte(text), &filled); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return filled
}

// lookUp finds a string in a JSON answer by a dotted path; "" if it is not there.
func lookUp(t *testing.T, answer, path string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		t.Fatalf("%v in %.200s", err, answer)
	}
	for step := range strings.SplitSeq(path, ".") {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[step]
		case []any:
			if i, err := strconv.Atoi(step); err == nil && i < len(inner) {
				v = inner[i]
			}
		}
	}
	found, _ := v.(string)
	return found
}
