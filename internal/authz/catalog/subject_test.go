package catalog

import (
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

const subjectTag = authz.SubjectTag + "Environment"

func TestAnAccessNamesWhatItIsAboutWhereAWSDoesNotLook(t *testing.T) {
	const arn = "arn:aws:ecs:us-east-1:123456789012:"
	for _, c := range []struct{ what, operation, params, resource, subject string }{
		{"a revision", "DeregisterTaskDefinition", `{"taskDefinition":"web:3"}`, "*", arn + "task-definition/web:3"},
		{"its ARN", "DeregisterTaskDefinition", `{"taskDefinition":"` + arn + `task-definition/web:3"}`, "*", arn + "task-definition/web:3"},
		{"a family without revision", "DeregisterTaskDefinition", `{"taskDefinition":"web"}`, "*", arn + "task-definition/web:*"},
		{"an instance, authorised on its cluster", "DeregisterContainerInstance", `{"cluster":"shop","containerInstance":"1a"}`,
			arn + "cluster/shop", arn + "container-instance/shop/1a"},
	} {
		t.Run(c.what, func(t *testing.T) {
			a := mustECS(t, c.operation, c.params).Accesses[0]
			if a.Resource != c.resource || a.Subject != c.subject || !a.IsUnknown(subjectTag) {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestASubjectIsReadAsStrictlyAsAResource(t *testing.T) {
	for what, params := range map[string]string{
		"of another account": `{"taskDefinition":"arn:aws:ecs:us-east-1:999999999999:task-definition/web:3"}`,
		"of another region":  `{"taskDefinition":"arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3"}`,
		"with a wildcard":    `{"taskDefinition":"web:*"}`,
		"of another type":    `{"taskDefinition":"arn:aws:ecs:us-east-1:123456789012:cluster/web"}`,
	} {
		if r, err := ecs(t, "DeregisterTaskDefinition", params); err == nil {
			t.Errorf("%s: resolved as %+v", what, r.Accesses)
		}
	}
	if r, err := ecs(t, "DeregisterContainerInstance", `{"cluster":"a","containerInstance":"arn:aws:ecs:us-east-1:123456789012:container-instance/b/1a"}`); err == nil {
		t.Errorf("of another cluster: resolved as %+v", r.Accesses)
	}
}

// Two subjects of one resource are two accesses, and one that was left out
// leaves its tags unknown: neither may vanish in the other.
func TestEverySubjectIsAnAccessOfItsOwn(t *testing.T) {
	c, err := Read("x.yaml", []byte(`
catalogue: 1
server: x
tools:
  drain:
    call:
      write: true
      arguments: {cluster: {type: string, required: true}, instances: {type: list, of: {type: string}}}
      resources: [{name: cluster}, {name: instances, type: container-instance}]
      accesses: [{action: 'ecs:DeregisterContainerInstance', resource: cluster, subject: instances}]
`))
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		`{"cluster":"shop","instances":["1a","1b","1a"]}`: "1a 1b",
		`{"cluster":"shop"}`:                              "",
	} {
		r, err := c.Resolve(testEnv, "drain", []byte(args))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range r.Accesses {
			if !a.IsUnknown(subjectTag) {
				t.Errorf("%s: the tags of %s are not unknown", args, a.Subject)
			}
			got = append(got, a.Subject[strings.LastIndexByte(a.Subject, '/')+1:])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: about %q, want %q", args, got, want)
		}
	}
}
