package catalog

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const manage, diagnose = "ecs_resource_management", "ecs_troubleshooting_tool"

// refusals: a tool, its arguments, the class, and words the text must have.
var refusals = []struct {
	what, tool, args string
	class            error
	words            string
}{
	{"an unknown tool", "rm_rf", `{}`, ErrUnknownTool, `"rm_rf"`},
	{"a tool in another case", "Delete_App", `{}`, ErrUnknownTool, `did you mean "delete_app"?`},
	{"a tool that the server no longer has", "create_ecs_infrastructure", `{}`, ErrUnknownTool, ""},
	{"an unknown operation", manage, `{"api_operation":"CreateDaemon"}`, ErrUnknownOperation, ""},
	{"an operation in lower case", manage, `{"api_operation":"deleteservice"}`, ErrUnknownOperation, `did you mean "DeleteService"?`},
	{"an operation in snake case", manage, `{"api_operation":"delete_service"}`, ErrUnknownOperation, `did you mean "DeleteService"?`},
	{"an operation with a long s", manage, "{\"api_operation\":\"DeleteServic\u017fe\"}", ErrUnknownOperation, ""},
	{"the operation AWS does not have", manage, `{"api_operation":"ListExpressGatewayServices"}`, ErrArgument, "AWS has no such API"},
	{"no operation", manage, `{}`, ErrArgument, "api_operation is required"},
	{"an operation that is no string", manage, `{"api_operation":["DeleteService"]}`, ErrArgument, "must be a string"},
	{"arguments that are a list", manage, `[]`, ErrArgument, "must be an object"},
	{"arguments that are cut off", manage, `{"api_operation":`, ErrArgument, "well-formed"},
	{"two values", manage, `{"api_operation":"ListClusters"}{}`, ErrArgument, ""},
	{"a duplicate name", manage, `{"api_operation":"ListClusters","api_operation":"DeleteCluster"}`, ErrArgument, "duplicate"},
	{"an escaped duplicate name", manage, `{"api_operation":"ListClusters","\u0061pi_operation":"DeleteCluster"}`, ErrArgument, "duplicate"},
	{"a nested duplicate name", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"a","cluster":"b"}}`, ErrArgument, "duplicate"},
	{"invalid UTF-8", manage, "{\"api_operation\":\"DeleteCluster\",\"api_params\":{\"cluster\":\"a\xff\"}}", ErrArgument, ""},
	{"a lone surrogate", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"\ud800"}}`, ErrArgument, ""},
	{"an unknown argument of the tool", manage, `{"api_operation":"ListClusters","profile":"admin"}`, ErrArgument, "profile is not a known argument"},
	{"an argument of the tool in camel case", manage, `{"apiOperation":"ListClusters"}`, ErrArgument, `did you mean "api_operation"?`},
	{"parameters as a string", manage, `{"api_operation":"ListClusters","api_params":"{}"}`, ErrArgument, "not a string that holds one"},
	{"parameters that are null", manage, `{"api_operation":"ListClusters","api_params":null}`, ErrArgument, "must be an object"},
	{"an unknown parameter", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"a","force":true}}`, ErrArgument, "api_params.force"},
	{"a parameter in another case (CVE-2026-27896)", manage, `{"api_operation":"DeleteCluster","api_params":{"Cluster":"a"}}`, ErrArgument, `did you mean "cluster"?`},
	{"a parameter in snake case", manage, `{"api_operation":"CreateService","api_params":{"service_name":"a"}}`, ErrArgument, `did you mean "serviceName"?`},
	{"a parameter with a long s (CVE-2026-27896)", manage, "{\"api_operation\":\"DeleteService\",\"api_params\":{\"\u017fervice\":\"a\"}}", ErrArgument, `did you mean "service"?`},
	{"a parameter with NUL (GHSA-q382-vc8q-7jhj)", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster\u0000":"a"}}`, ErrArgument, `"cluster\x00" is not`},
	{"a nested unknown parameter", manage, `{"api_operation":"RunTask","api_params":{"taskDefinition":"a:1","overrides":{"TaskRoleArn":"x"}}}`, ErrArgument, `overrides.TaskRoleArn is not a known argument; did you mean "taskRoleArn"?`},
	{"a missing required parameter", manage, `{"api_operation":"DeleteService","api_params":{"cluster":"a"}}`, ErrArgument, "api_params.service is required"},
	{"a null parameter", manage, `{"api_operation":"DeleteService","api_params":{"cluster":null,"service":"a"}}`, ErrArgument, "api_params.cluster must be a string"},
	{"a number for a string", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":1}}`, ErrArgument, "must be a string"},
	{"a string for a list", manage, `{"api_operation":"DescribeServices","api_params":{"services":"web"}}`, ErrArgument, "must be a list"},
	{"a string for a number", manage, `{"api_operation":"UpdateService","api_params":{"service":"a","desiredCount":"0"}}`, ErrArgument, "must be a whole number"},
	{"a float for a whole number", manage, `{"api_operation":"UpdateService","api_params":{"service":"a","desiredCount":1.0}}`, ErrArgument, "must be a whole number"},
	{"an integer beyond 2^53", manage, `{"api_operation":"UpdateService","api_params":{"service":"a","desiredCount":9007199254740993}}`, ErrArgument, "2^53"},
	{"a word for a boolean", manage, `{"api_operation":"DeleteService","api_params":{"service":"a","force":"yes"}}`, ErrArgument, "must be true or false"},
	{"an empty name", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":""}}`, ErrArgument, "must not be empty"},
	{"a wildcard", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"*"}}`, ErrArgument, "without wildcards"},
	{"a question mark", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"pro?"}}`, ErrArgument, "without wildcards"},
	{"a slash in a name", manage, `{"api_operation":"DeleteService","api_params":{"cluster":"a","service":"b/c"}}`, ErrArgument, ""},
	{"a newline at the end of a name", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"prod\n"}}`, ErrArgument, ""},
	{"a look-alike letter", manage, "{\"api_operation\":\"DeleteCluster\",\"api_params\":{\"cluster\":\"pr\u043ed\"}}", ErrArgument, ""},
	{"a policy variable", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"${aws:username}"}}`, ErrArgument, ""},
	{"a name over 255 characters", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"` + strings.Repeat("a", 256) + `"}}`, ErrArgument, ""},
	{"another account", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"arn:aws:ecs:us-east-1:999999999999:cluster/a"}}`, ErrArgument, `account "999999999999"`},
	{"another region", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"arn:aws:ecs:eu-west-1:123456789012:cluster/a"}}`, ErrArgument, `region "eu-west-1"`},
	{"another partition", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"arn:aws-cn:ecs:us-east-1:123456789012:cluster/a"}}`, ErrArgument, `partition "aws-cn"`},
	{"another service", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"arn:aws:eks:us-east-1:123456789012:cluster/a"}}`, ErrArgument, "must be the ARN of a cluster"},
	{"another kind of resource", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"arn:aws:ecs:us-east-1:123456789012:service/a/b"}}`, ErrArgument, "must be the ARN of a cluster"},
	{"half an ARN", manage, `{"api_operation":"DeleteCluster","api_params":{"cluster":"arn:aws:ecs"}}`, ErrArgument, "whole ARN"},
	{"a service of another cluster", manage, `{"api_operation":"DeleteService","api_params":{"cluster":"a","service":"arn:aws:ecs:us-east-1:123456789012:service/b/web"}}`, ErrArgument, `cluster "b", but the call is for cluster "a"`},
	{"a service of another cluster than the default", manage, `{"api_operation":"DeleteService","api_params":{"service":"arn:aws:ecs:us-east-1:123456789012:service/b/web"}}`, ErrArgument, `cluster "default"`},
	{"one foreign service among others", manage, `{"api_operation":"DescribeServices","api_params":{"services":["a","arn:aws:ecs:us-east-1:999999999999:service/default/b"]}}`, ErrArgument, "api_params.services[1]"},
	{"a short ARN without a cluster", manage, `{"api_operation":"TagResource","api_params":{"resourceArn":"arn:aws:ecs:us-east-1:123456789012:service/web","tags":[]}}`, ErrArgument, "does not name its cluster: give the long ARN"},
	{"a name where only an ARN goes", manage, `{"api_operation":"DeleteExpressGatewayService","api_params":{"serviceArn":"web"}}`, ErrArgument, "must be the full ARN of a service"},
	{"an ARN where only a name goes", manage, `{"api_operation":"CreateService","api_params":{"serviceName":"arn:aws:ecs:us-east-1:123456789012:service/default/a"}}`, ErrArgument, "must be a name, not an ARN"},
	{"an invented kind of ARN", "delete_app", `{"service_arn":"arn:aws:ecs:us-east-1:123456789012:express-service/a","app_name":"a"}`, ErrArgument, "must be the ARN of a service"},
	{"no services", manage, `{"api_operation":"DescribeServices","api_params":{"services":[]}}`, ErrArgument, "at least one"},
	{"too many services", manage, `{"api_operation":"DescribeServices","api_params":{"services":["a","b","c","d","e","f","g","h","i","j","k"]}}`, ErrArgument, "at most 10"},
	{"a role of another account", manage, `{"api_operation":"RegisterTaskDefinition","api_params":{"family":"a","containerDefinitions":[],"taskRoleArn":"arn:aws:iam::999999999999:role/x"}}`, ErrArgument, "account"},
	{"a family with a revision", manage, `{"api_operation":"RegisterTaskDefinition","api_params":{"family":"a:1","containerDefinitions":[]}}`, ErrArgument, "api_params.family"},
	{"a principal of another account", manage, `{"api_operation":"PutAccountSetting","api_params":{"name":"a","value":"b","principalArn":"arn:aws:iam::999999999999:root"}}`, ErrArgument, "account"},
	{"an attribute without a target", manage, `{"api_operation":"PutAttributes","api_params":{"attributes":[{"name":"a","targetId":"1a"},{"name":"b"}]}}`, ErrArgument, "every element"},
	{"two tags that differ in case", manage, `{"api_operation":"TagResource","api_params":{"resourceArn":"arn:aws:ecs:us-east-1:123456789012:cluster/a","tags":[{"key":"Env"},{"key":"env"}]}}`, ErrArgument, "differ by more than case"},
	{"a tag with a wildcard", manage, `{"api_operation":"TagResource","api_params":{"resourceArn":"arn:aws:ecs:us-east-1:123456789012:cluster/a","tags":[{"key":"*"}]}}`, ErrArgument, "tags[0].key"},
	{"a tag value that is a variable", manage, `{"api_operation":"TagResource","api_params":{"resourceArn":"arn:aws:ecs:us-east-1:123456789012:cluster/a","tags":[{"key":"a","value":"${b}"}]}}`, ErrArgument, "tags[0].value"},
	{"a diagnosis without its cluster", diagnose, `{}`, ErrArgument, "parameters.ecs_cluster_name is required"},
	{"an unknown diagnosis", diagnose, `{"action":"fetch_everything"}`, ErrUnknownOperation, ""},
	{"a parameter that the server would ignore", diagnose, `{"action":"fetch_task_failures","parameters":{"ecs_cluster_name":"a","ecs_service_name":"b"}}`, ErrArgument, "parameters.ecs_service_name"},
	{"a cluster ARN where it is put into a log group", diagnose, `{"action":"fetch_task_logs","parameters":{"ecs_cluster_name":"arn:aws:ecs:us-east-1:123456789012:cluster/a"}}`, ErrArgument, "not an ARN"},
	{"a log group outside of /ecs", diagnose, `{"action":"fetch_task_logs","parameters":{"ecs_cluster_name":"../aws/lambda"}}`, ErrArgument, ""},
	{"an empty vpc, which the server takes for none", diagnose, `{"action":"fetch_network_configuration","parameters":{"ecs_cluster_name":"a","vpc_id":""}}`, ErrArgument, "must match vpc-"},
	{"none of the ways to find images", diagnose, `{"action":"detect_image_pull_failures","parameters":{"ecs_service_name":"a"}}`, ErrArgument, "ecs_cluster_name and ecs_service_name, or"},
	{"a stack of another account", diagnose, `{"action":"fetch_cloudformation_status","parameters":{"cfn_stack_name":"arn:aws:cloudformation:us-east-1:999999999999:stack/a/b"}}`, ErrArgument, "account"},
	{"an image of another account", "validate_ecs_express_mode_prerequisites", `{"image_uri":"999999999999.dkr.ecr.us-east-1.amazonaws.com/a:b"}`, ErrArgument, "account"},
	{"an image of another region", "validate_ecs_express_mode_prerequisites", `{"image_uri":"123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:b"}`, ErrArgument, "region"},
	{"an image of another registry", "validate_ecs_express_mode_prerequisites", `{"image_uri":"docker.io/library/nginx:1"}`, ErrArgument, "must be an ECR image"},
	{"an app name that is no name", "delete_app", `{"service_arn":"arn:aws:ecs:us-east-1:123456789012:service/a/b","app_name":"a*"}`, ErrArgument, "app_name must match"},
	{"a wait without end", "wait_for_service_ready", `{"cluster":"a","service_name":"b","timeout_seconds":100000}`, ErrArgument, "at most 43200"},
	{"an unknown argument of a plain tool", "containerize_app", `{"app_path":"/a","port":1,"region":"x"}`, ErrArgument, "region is not a known argument"},
	{"a port as a string", "containerize_app", `{"app_path":"/a","port":"80"}`, ErrArgument, "must be a whole number"},
}

func TestRefusals(t *testing.T) {
	c := awslabs(t)
	for _, r := range refusals {
		t.Run(r.what, func(t *testing.T) {
			got, err := c.Resolve(testEnv, r.tool, json.RawMessage(r.args))
			if got != nil || !errors.Is(err, r.class) || !strings.Contains(err.Error(), r.words) {
				t.Errorf("got %v and error %v, want %v with %q", got, err, r.class, r.words)
			}
		})
	}
}

func TestANestingBombIsRefused(t *testing.T) {
	args := `{"url":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`
	if _, err := awslabs(t).Resolve(testEnv, "aws_knowledge_aws___recommend", json.RawMessage(args)); !errors.Is(err, ErrArgument) {
		t.Error(err)
	}
}

func TestAnErrorNeverRepeatsAnArgumentsValue(t *testing.T) {
	const secret = "hunter2-canary"
	for _, args := range []string{
		`{"api_operation":"RegisterTaskDefinition","api_params":{"family":"a","containerDefinitions":[{"environment":[{"name":"P","value":"` + secret + `","x":1}]}]}}`,
		`{"api_operation":"RegisterTaskDefinition","api_params":{"family":"` + secret + `*","containerDefinitions":[]}}`,
		`{"api_operation":"UpdateService","api_params":{"service":"a","desiredCount":"` + secret + `"}}`,
	} {
		_, err := awslabs(t).Resolve(testEnv, manage, json.RawMessage(args))
		if !errors.Is(err, ErrArgument) || strings.Contains(err.Error(), secret) {
			t.Errorf("%v", err)
		}
	}
}

func TestAnUnusableEnvironmentIsAnErrorOfItsOwn(t *testing.T) {
	for _, env := range []Env{{}, {"aws", "1234", "us-east-1"}, {"aws", "123456789012", "*"}, {"aws", "*", "us-east-1"}, {"x", "123456789012", "us-east-1"}} {
		_, err := awslabs(t).Resolve(env, "containerize_app", json.RawMessage(`{"app_path":"/a","port":1}`))
		if err == nil || errors.Is(err, ErrArgument) || errors.Is(err, ErrUnknownTool) {
			t.Errorf("%+v: %v", env, err)
		}
	}
}
