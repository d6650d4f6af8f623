package fakeaws

import (
	"encoding/xml"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

var stackOperations = map[string]func(*call) (any, *fault){
	"DescribeStacks": (*call).describeStacks,
	"DeleteStack":    (*call).deleteStack,
}

// stackVersion is the only version of the CloudFormation API.
const stackVersion = "2010-05-15"

var stackName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

type describeStacksResponse struct {
	XMLName xml.Name       `xml:"http://cloudformation.amazonaws.com/doc/2010-05-15/ DescribeStacksResponse"`
	Stacks  []stackElement `xml:"DescribeStacksResult>Stacks>member"`
}

type stackElement struct {
	StackID      string `xml:"StackId"`
	StackName    string
	StackStatus  string
	CreationTime string
	Tags         []stackTag `xml:"Tags>member"`
}

type stackTag struct{ Key, Value string }

type deleteStackResponse struct {
	XMLName xml.Name `xml:"http://cloudformation.amazonaws.com/doc/2010-05-15/ DeleteStackResponse"`
}

// namedStack reads the form, finds the stack by its name or ARN, and authorises
// the action on it; on NAME/* if it is not there.
func (c *call) namedStack(action string) (*fixture, *fault) {
	for name := range c.form {
		if name != "Action" && name != "Version" && name != "StackName" {
			return nil, unknownParameter(name)
		}
	}
	if c.form.Get("Version") != stackVersion {
		return nil, unknownOperation("of version " + c.form.Get("Version"))
	}
	prefix := c.aws.arn("cloudformation", c.auth.region, "stack/")
	name, id, byID := strings.Cut(strings.TrimPrefix(c.form.Get("StackName"), prefix), "/")
	if !stackName.MatchString(name) || byID && !taskID.MatchString(id) {
		return nil, validation("stackName", "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*")
	}
	x := c.aws.state.stack(prefix + name + "/")
	if byID {
		x = c.aws.state.fixtures[prefix+name+"/"+id]
	}
	arn := prefix + name + "/*"
	if x != nil {
		arn = x.arn
	}
	return x, c.authorize(access{action, arn, c.onResource(arn)})
}

func (c *call) describeStacks() (any, *fault) {
	x, f := c.namedStack("cloudformation:DescribeStacks")
	if f != nil {
		return nil, f
	}
	if x == nil {
		return nil, newFault("ValidationError", "Stack with id %s does not exist", c.form.Get("StackName"))
	}
	e := stackElement{StackID: x.arn, StackName: strings.Split(x.arn, "/")[1], StackStatus: "CREATE_COMPLETE", CreationTime: c.at.UTC().Format(time.RFC3339)}
	for _, key := range slices.Sorted(maps.Keys(x.tags)) {
		e.Tags = append(e.Tags, stackTag{key, x.tags[key]})
	}
	return describeStacksResponse{Stacks: []stackElement{e}}, nil
}

// deleteStack has done so at once. A stack that is not there is no error.
// Source: CloudFormation API reference, DeleteStack.
func (c *call) deleteStack() (any, *fault) {
	x, f := c.namedStack("cloudformation:DeleteStack")
	if f != nil {
		return nil, f
	}
	if x != nil {
		delete(c.aws.state.fixtures, x.arn)
	}
	return deleteStackResponse{}, nil
}
