package facts

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

const roles = "arn:aws:iam::123456789012:role/"

// passes is the access on the roles of a task definition, as the catalogue makes it.
func passes(definition string, unsettled ...string) authz.Access {
	return authz.Access{Action: "iam:PassRole", Resource: roles + "*", Subject: definition, Optional: true, Unverified: true, Global: true,
		Context: map[string]authz.Value{"iam:PassedToService": authz.One("ecs-tasks.amazonaws.com")},
		Unknown: append([]string{"aws:ResourceTag/*", "ecs-mcp-proxy:SubjectTag/*"}, unsettled...)}
}

func TestRolesOfATaskDefinitionAreLookedUp(t *testing.T) {
	both := []string{authz.TaskRole, authz.ExecutionRole}
	tests := []struct {
		name, taskRole, executionRole string
		unsettled                     []string
		want                          string // the resources, "?" before one that is still unsettled
	}{
		{"both", roles + "app", roles + "pull", both, "app pull"},
		{"with a path", roles + "team/app", "", both, "team/app"},
		{"by name", "app", "", both, "app"},
		{"the same twice", roles + "app", roles + "app", both, "app"},
		{"none", "", "", both, ""},
		{"the task's is overridden", roles + "admin", roles + "pull", both[1:], "pull"},
		{"the execution's is overridden", roles + "app", roles + "admin", both[:1], "app"},
		{"none but the overridden one", roles + "admin", "", both[1:], ""},
		{"of another account", "arn:aws:iam::999999999999:role/app", roles + "pull", both, "pull ?*"},
		{"of another partition", "arn:aws-cn:iam::123456789012:role/app", "", both, "?*"},
		{"with a wildcard", roles + "*", "", both, "?*"},
		{"with a variable", roles + "${aws:username}", "", both, "?*"},
		{"no role", "arn:aws:iam::123456789012:user/app", "", both, "?*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, r := account(t, 0, describe)
			first := access(a.AddCluster("shop", nil))
			given := passes(a.AddTaskDefinition("web", tt.taskRole, tt.executionRole, map[string]string{"Environment": "staging"}), tt.unsettled...)
			filled, notes := r.Fill(t.Context(), []authz.Access{first, given})
			if filled[0].Resource != first.Resource {
				t.Errorf("%s lost its place: %+v", first.Resource, filled)
			}
			var got []string
			for _, f := range filled[1:] {
				name := strings.TrimPrefix(f.Resource, roles)
				if f.Unsettled() {
					name = "?" + name
				}
				got = append(got, name)
				if f.Unsettled() != f.Optional || (f.Named == "") != f.Unsettled() || strings.Contains(f.Named, roles) || !f.Unverified || !f.IsUnknown("aws:ResourceTag/x") {
					t.Errorf("%+v", f)
				}
				if v := f.Context["ecs-mcp-proxy:SubjectTag/Environment"]; len(v.Values) != 1 || v.Values[0] != "staging" || f.IsUnknown("ecs-mcp-proxy:SubjectTag/Other") {
					t.Errorf("the definition's tags are not known: %+v", f)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if (len(notes) > 0) != strings.Contains(tt.want, "?") {
				t.Errorf("notes %q", notes)
			}
			if n := len(a.Requests()); n != 2 {
				t.Errorf("%d requests: tags and roles are one", n)
			}
			if len(given.Unknown) != 2+len(tt.unsettled) || len(given.Context) != 1 {
				t.Errorf("what was given has changed: %+v", given)
			}
		})
	}
}

// family is the access on the latest revision of one, as the catalogue makes it.
func family(arn string) authz.Access {
	a := access(arn)
	a.Unknown = append(a.Unknown, authz.LatestRevision)
	return a
}

func TestAFamilyBecomesItsLatestRevision(t *testing.T) {
	a, r := account(t, 0, describe)
	a.AddTaskDefinition("web", "", "", map[string]string{"Environment": "production"})
	latest := a.AddTaskDefinition("web", roles+"app", "", map[string]string{"Environment": "staging"})
	asked := arn + "task-definition/web:*"
	filled, notes := r.Fill(t.Context(), []authz.Access{family(asked), passes(asked, authz.TaskRole)})
	if len(filled) != 2 || filled[0].Resource != latest || filled[0].Named != asked || filled[0].Unsettled() ||
		filled[0].Context["aws:ResourceTag/Environment"].Values[0] != "staging" || filled[1].Resource != roles+"app" || filled[1].Subject != asked {
		t.Errorf("%+v", filled)
	}
	if want := []string{asked + " is " + latest}; !slices.Equal(notes, want) || len(a.Requests()) != 1 {
		t.Errorf("notes %q, %d requests", notes, len(a.Requests()))
	}
	// Where nothing says that the latest is meant, nobody can say which it is.
	if filled, notes := r.Fill(t.Context(), []authz.Access{access(asked)}); filled[0].Resource != asked || !filled[0].IsUnknown("aws:ResourceTag/Environment") || notes != nil {
		t.Errorf("%+v, %q", filled, notes)
	}
}

func TestWhatCannotBeLookedUpStaysUnsettled(t *testing.T) {
	for name, policy := range map[string]string{"there is none": describe,
		"AWS refuses": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:List*","Resource":"*"}]}`} {
		_, r := account(t, time.Minute, policy)
		asked := arn + "task-definition/nowhere:*"
		filled, notes := r.Fill(t.Context(), []authz.Access{family(asked), passes(asked, authz.TaskRole, authz.ExecutionRole)})
		if len(filled) != 2 || filled[0].Resource != asked || !filled[0].Unsettled() || filled[1].Resource != roles+"*" || !filled[1].Unsettled() || !filled[1].Optional {
			t.Errorf("%s: %+v", name, filled)
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "look up tags and roles of "+asked) {
			t.Errorf("%s: notes %q", name, notes)
		}
	}
}

// Names mean those of the account and region that the reader's credentials are
// for: what is there is not what was asked for.
func TestAnAnswerOfAnotherAccountIsNotTaken(t *testing.T) {
	for _, k := range kinds {
		t.Run(string(k.name), func(t *testing.T) {
			a, r := account(t, time.Minute, describe)
			here := k.add(a, map[string]string{"Environment": "production"})
			for _, elsewhere := range []string{strings.Replace(here, "123456789012", "999999999999", 1), strings.Replace(here, "us-east-1", "eu-west-1", 1)} {
				open := elsewhere
				switch k.name {
				case taskDefinition:
					open = elsewhere[:strings.LastIndexByte(elsewhere, ':')] + ":*"
				case stack:
					open = elsewhere[:strings.LastIndexByte(elsewhere, '/')] + "/*"
				}
				for _, asked := range []string{elsewhere, open} {
					filled, notes := r.Fill(t.Context(), []authz.Access{family(asked)})
					if f := filled[0]; f.Resource != asked || !f.IsUnknown("aws:ResourceTag/Environment") || len(f.Context) != 0 || !f.Unsettled() {
						t.Errorf("%s: %+v", asked, f)
					}
					if len(notes) != 1 {
						t.Errorf("%s: notes %q", asked, notes)
					}
				}
			}
			if filled, _ := r.Fill(t.Context(), []authz.Access{access(here)}); filled[0].IsUnknown("aws:ResourceTag/Environment") {
				t.Error("and what was asked for is not found")
			}
		})
	}
}
