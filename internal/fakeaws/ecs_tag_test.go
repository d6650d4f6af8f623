package fakeaws

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestTagsOfEveryResource(t *testing.T) {
	w := newWorld(t, Role{})
	c, ctx := w.userECS(), t.Context()
	for name, arn := range map[string]string{
		"cluster":         w.AddCluster("prod", map[string]string{"a": "1"}),
		"service":         w.AddService("prod", "api", map[string]string{"a": "1"}),
		"task":            w.AddTask("prod", "job", map[string]string{"a": "1"}),
		"task definition": w.AddTaskDefinition("job", "", "", map[string]string{"a": "1"}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: aws.String(arn), Tags: []types.Tag{ecsTag("b", "2"), ecsTag("a", "3")}})
			wantCode(t, "tag", err, "")
			_, err = c.UntagResource(ctx, &ecs.UntagResourceInput{ResourceArn: aws.String(arn), TagKeys: []string{"b", "none"}})
			wantCode(t, "untag", err, "")
			out, err := c.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: aws.String(arn)})
			if err != nil || len(out.Tags) != 1 || *out.Tags[0].Key != "a" || *out.Tags[0].Value != "3" {
				t.Errorf("%+v %v", out, err)
			}
			if got := w.Tags(arn); !maps.Equal(got, map[string]string{"a": "3"}) {
				t.Errorf("seen from outside: %v", got)
			}
		})
	}
	missing := "arn:aws:ecs:us-east-1:123456789012:service/prod/nope"
	_, err := c.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: aws.String(missing)})
	wantCode(t, "tags of none", err, "InvalidParameterException")
	for what, tags := range map[string][]types.Tag{
		"twice one key":  {ecsTag("a", "1"), ecsTag("a", "2")},
		"a reserved key": {ecsTag("aws:a", "1")},
		"a star":         {ecsTag("a", "*")},
		"an empty key":   {ecsTag("", "1")},
	} {
		_, err := c.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: aws.String(w.AddCluster("x", nil)), Tags: tags})
		wantCode(t, what, err, "InvalidParameterException")
	}
}

// An agent that may change tags could take the protection away; AWS asks the
// policy with the tags as they are and the keys that the request names.
func TestConditionsOnTagging(t *testing.T) {
	w := newWorld(t, Role{})
	arn := w.AddService("prod", "api", map[string]string{"Environment": "production"})
	untag := func(policy, key string) error {
		_, err := w.as(policy).UntagResource(t.Context(), &ecs.UntagResourceInput{ResourceArn: aws.String(arn), TagKeys: []string{key, "team"}})
		return err
	}
	protect := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},` +
		`{"Effect":"Deny","Action":["ecs:TagResource","ecs:UntagResource"],"Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":["Environment"]}}}]}`
	wantCode(t, "untag a protected key", untag(protect, "Environment"), "AccessDeniedException")
	wantCode(t, "untag another key", untag(protect, "owner"), "")
	staging := one(`"Effect":"Allow","Action":"ecs:*","Resource":"*","Condition":{"StringEquals":{"ecs:ResourceTag/Environment":"staging"}}`)
	wantCode(t, "untag what is production", untag(staging, "owner"), "AccessDeniedException")
	if !w.SetTag(arn, "Environment", "staging") || w.SetTag(arn+"x", "a", "b") {
		t.Error("setting a tag from outside")
	}
	wantCode(t, "untag once it is staging", untag(staging, "owner"), "")
}

// The pin of a grant: AWS checks the tag again when the grant is used.
func TestATagThatChangesBetweenDecisionAndUse(t *testing.T) {
	w := newWorld(t, Role{})
	arn := w.AddService("prod", "api", map[string]string{"Environment": "staging"})
	c := w.as(one(`"Effect":"Allow","Action":"ecs:DeleteService","Resource":"` + arn + `","Condition":{"StringEquals":{"aws:ResourceTag/Environment":"staging"}}`))
	w.SetTag(arn, "Environment", "production")
	wantCode(t, "delete after the flip", deleteService(c, "api"), "AccessDeniedException")
	if !w.HasService("prod", "api") {
		t.Error("the service is gone")
	}
	w.SetTag(arn, "Environment", "staging")
	wantCode(t, "delete after the flip back", deleteService(c, "api"), "")
}
