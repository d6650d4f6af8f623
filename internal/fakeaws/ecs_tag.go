package fakeaws

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// tagSpec is a list of tags as requests give it.
type tagSpec []struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// maxResourceTags is how many tags a resource may have.
// Source: Amazon ECS Developer Guide, "Tagging Amazon ECS resources", restrictions.
const maxResourceTags = 50

// read returns the tags; never nil without a fault.
func (s tagSpec) read() (map[string]string, *fault) {
	tags := map[string]string{}
	for _, tag := range s {
		if f := checkResourceTag(tag.Key, tag.Value); f != nil {
			return nil, f
		}
		if _, twice := tags[tag.Key]; twice {
			return nil, invalidParameter("Duplicate tag keys are not allowed.")
		}
		tags[tag.Key] = tag.Value
	}
	if len(tags) > maxResourceTags {
		return nil, invalidParameter("Tags can have a maximum size of %d.", maxResourceTags)
	}
	return tags, nil
}

func checkResourceTag(key, v string) *fault {
	switch {
	case utf8.RuneCountInString(key) > 128 || !tagKeyPattern.MatchString(key):
		return invalidParameter("Tag keys must have 1 to 128 letters, numbers, spaces and + - = . _ : / @")
	case utf8.RuneCountInString(v) > 256 || !tagValuePattern.MatchString(v):
		return invalidParameter("Tag values must have 0 to 256 letters, numbers, spaces and + - = . _ : / @")
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return invalidParameter("Tag keys can't start with 'aws:'. This prefix is reserved.")
	}
	return nil
}

// requested returns the condition keys of a request that sets tags.
func requested(tags map[string]string) keys {
	k := keys{}
	if len(tags) > 0 {
		k.tags("aws:RequestTag", tags)
		k.many("aws:TagKeys", slices.Sorted(maps.Keys(tags))...)
	}
	return k
}

// creating returns the accesses of an operation that creates a resource, with
// ecs:TagResource beside it if the request gives the resource tags.
// Source: Amazon ECS Developer Guide, "Tag resources during creation".
func (c *call) creating(action, arn string, tags map[string]string, k keys) []access {
	k.one("aws:ResourceAccount", c.aws.account)
	k = k.with(requested(tags))
	accesses := []access{{action, arn, k}}
	if len(tags) > 0 {
		tagging := k.with(nil)
		tagging.one("ecs:CreateAction", strings.TrimPrefix(action, "ecs:"))
		accesses = append(accesses, access{"ecs:TagResource", arn, tagging})
	}
	return accesses
}

// taggable reads the ARN that a tagging operation names. ECS authorises before
// it looks whether the resource is there.
func (c *call) taggable(arn string) *fault {
	segments := strings.SplitN(arn, ":", arnParts)
	if len(segments) != arnParts {
		return invalidParameter("Invalid identifier: Unexpected format")
	}
	kind, _, _ := strings.Cut(segments[5], "/")
	_, _, f := c.arnResource(arn, kind)
	return f
}

func (c *call) tagResource() (any, *fault) {
	var in struct {
		ResourceARN string  `json:"resourceArn"`
		Tags        tagSpec `json:"tags"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	tags, f := in.Tags.read()
	if f == nil {
		f = c.taggable(in.ResourceARN)
	}
	if f != nil {
		return nil, f
	}
	k := c.onResource(in.ResourceARN).with(requested(tags))
	if f := c.authorize(access{"ecs:TagResource", in.ResourceARN, k}); f != nil {
		return nil, f
	}
	have, f := c.tagsNow(in.ResourceARN)
	if f != nil {
		return nil, f
	}
	union := maps.Clone(have)
	maps.Copy(union, tags)
	if len(union) > maxResourceTags {
		return nil, invalidParameter("Tags can have a maximum size of %d.", maxResourceTags)
	}
	maps.Copy(have, tags)
	return object{}, nil
}

func (c *call) untagResource() (any, *fault) {
	var in struct {
		ResourceARN string   `json:"resourceArn"`
		TagKeys     []string `json:"tagKeys"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	if f := c.taggable(in.ResourceARN); f != nil {
		return nil, f
	}
	k := c.onResource(in.ResourceARN)
	k.many("aws:TagKeys", in.TagKeys...)
	if f := c.authorize(access{"ecs:UntagResource", in.ResourceARN, k}); f != nil {
		return nil, f
	}
	have, f := c.tagsNow(in.ResourceARN)
	if f != nil {
		return nil, f
	}
	for _, key := range in.TagKeys {
		delete(have, key)
	}
	return object{}, nil
}

func (c *call) listTagsForResource() (any, *fault) {
	var in struct {
		ResourceARN string `json:"resourceArn"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	if f := c.taggable(in.ResourceARN); f != nil {
		return nil, f
	}
	if f := c.authorize(access{"ecs:ListTagsForResource", in.ResourceARN, c.onResource(in.ResourceARN)}); f != nil {
		return nil, f
	}
	have, f := c.tagsNow(in.ResourceARN)
	if f != nil {
		return nil, f
	}
	return object{"tags": tagList(have)}, nil
}

func (c *call) tagsNow(arn string) (map[string]string, *fault) {
	if tags := c.aws.state.tagsOf(arn); tags != nil {
		return tags, nil
	}
	return nil, invalidParameter("The specified resource is not found. Specify an active resource and try again.")
}
