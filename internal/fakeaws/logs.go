package fakeaws

import (
	"regexp"
	"strings"
)

// logsTarget is the prefix of CloudWatch Logs' X-Amz-Target.
const logsTarget = "Logs_20140328"

var logsOperations = map[string]func(*call) (any, *fault){
	"ListTagsForResource": (*call).listTagsForLogGroup,
}

var logGroupName = regexp.MustCompile(`^[a-zA-Z0-9_/.#-]{1,512}$`)

// listTagsForLogGroup takes the ARN without the ":*" that policies write.
// Source: CloudWatch Logs API reference, ListTagsForResource.
func (c *call) listTagsForLogGroup() (any, *fault) {
	var in struct {
		ResourceARN string `json:"resourceArn"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	name, ok := strings.CutPrefix(in.ResourceARN, c.aws.arn("logs", c.auth.region, "log-group:"))
	if !ok || !logGroupName.MatchString(name) {
		return nil, invalidParameter("The specified resource ARN is invalid.")
	}
	if f := c.authorize(access{"logs:ListTagsForResource", in.ResourceARN, c.onResource(in.ResourceARN)}); f != nil {
		return nil, f
	}
	x := c.aws.state.fixtures[in.ResourceARN]
	if x == nil {
		return nil, newFault("ResourceNotFoundException", "The specified resource does not exist.")
	}
	return object{"tags": x.tags}, nil
}
