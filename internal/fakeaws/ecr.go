package fakeaws

import (
	"regexp"
	"strings"
)

// ecrTarget is the prefix of ECR's X-Amz-Target.
const ecrTarget = "AmazonEC2ContainerRegistry_V20150921"

var ecrOperations = map[string]func(*call) (any, *fault){
	"ListTagsForResource": (*call).listTagsForRepository,
}

var repositoryName = regexp.MustCompile(`^[a-z0-9][a-z0-9._/-]{1,255}$`)

func (c *call) listTagsForRepository() (any, *fault) {
	var in struct {
		ResourceARN string `json:"resourceArn"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	name, ok := strings.CutPrefix(in.ResourceARN, c.aws.arn("ecr", c.auth.region, "repository/"))
	if !ok || !repositoryName.MatchString(name) {
		return nil, invalidParameter("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	k := c.onResource(in.ResourceARN)
	k.tags("ecr:ResourceTag", c.aws.state.tagsOf(in.ResourceARN))
	if f := c.authorize(access{"ecr:ListTagsForResource", in.ResourceARN, k}); f != nil {
		return nil, f
	}
	x := c.aws.state.fixtures[in.ResourceARN]
	if x == nil {
		return nil, newFault("RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry with id '%s'", name, c.aws.account)
	}
	tags := []object{}
	for _, tag := range tagList(x.tags) {
		tags = append(tags, object{"Key": tag["key"], "Value": tag["value"]})
	}
	return object{"tags": tags}, nil
}
