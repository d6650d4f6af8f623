//go:build e2e

package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
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
		report.add(t, sample.operation, c, false)
		report.served(t, sample.operation, c)
		for name, path := range sample.keep {
			names[name] = lookUp(t, c.Text, path)
		}
		names["labInstanceId"] = lastPart(names["labInstance"])
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
	{"Express prerequisites with roles", "validate_ecs_express_mode_prerequisites", `{"image_uri":"${image}","execution_role_arn":"${executionRole}","infrastructure_role_arn":"${infrastructureRole}"}`},
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
	names["taskId"] = lastPart(names["task"])
	for _, other := range otherCalls {
		arguments := params(t, other.arguments, names)
		report.add(t, other.name, s.call(t, other.tool, arguments), escapes(t, other.tool, arguments))
	}
}

// escapes asks the catalogue whether a call acts beyond what it is lent.
func escapes(t *testing.T, tool string, arguments map[string]any) bool {
	t.Helper()
	b, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	return resolve(t, tool, string(b)).EscapesScope
}

// lastPart is the id at the end of an ARN.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

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
