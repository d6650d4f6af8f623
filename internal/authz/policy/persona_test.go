package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

func read(t testing.TB, name, text string) Document {
	t.Helper()
	d, err := ReadDocument(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	allowAll = `{"Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]}`
	denyAll  = `{"Statement": [{"Sid": "None", "Effect": "Deny", "Action": "ecs:DeleteCluster", "Resource": "*"}]}`
)

func TestNewRefusesADocumentThatNobodyRead(t *testing.T) {
	good := read(t, "a", allowAll)
	for name, documents := range map[string][]Document{
		"the zero Document":    {{}},
		"one that is no JSON":  {{Name: "a", JSON: []byte("{")}},
		"one that AWS refuses": {{Name: "a", JSON: []byte(`{"Statement": [{"Effect": "deny"}]}`)}},
		"two of one name":      {good, good},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(t.Context(), map[string]Persona{"p": {Identity: documents}}); !errors.Is(err, ErrPolicy) {
				t.Errorf("got %v, want an ErrPolicy", err)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	all, deny := read(t, "all", allowAll), read(t, "deny", denyAll)
	express := read(t, "express", `{"Statement": [{"Effect": "Allow", "Action": "ecs-dev:CreateService", "Resource": "*"}]}`)
	for name, tt := range map[string]struct {
		persona Persona
		want    string
	}{
		"nothing to say":                      {Persona{Identity: []Document{all}, Boundary: []Document{deny, all}}, ""},
		"a boundary of denies":                {Persona{Identity: []Document{all}, Boundary: []Document{deny}}, "allows nothing"},
		"no identity":                         {Persona{Boundary: []Document{all}}, "no identity document"},
		"a service that AWS does not have":    {Persona{Identity: []Document{express}}, "ecs-dev"},
		"an Allow in a boundary is no excuse": {Persona{Identity: []Document{deny}, Boundary: []Document{deny}}, "allows nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := New(t.Context(), map[string]Persona{"p": tt.persona})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(e.Warnings(), "\n")
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestShippedPersonasGiveNoWarning(t *testing.T) {
	if warnings := builtinEngine(t).Warnings(); len(warnings) > 0 {
		t.Errorf("got %q", warnings)
	}
}

func TestBoundaryOfDeniesAllowsNothing(t *testing.T) {
	e, err := New(t.Context(), map[string]Persona{"p": {Identity: []Document{read(t, "all", allowAll)}, Boundary: []Document{read(t, "deny", denyAll)}}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := e.Decide(t.Context(), request("p", deleteService(in("us-east-1"))))
	if err != nil || d.Allow || d.Accesses[0].Layer != "boundary" || d.Accesses[0].Verdict != authz.ImplicitDeny {
		t.Errorf("got %+v, %v", d, err)
	}
}

// The guardrail on tags protects what the loaded documents rely on, however a
// document spells it in JSON.
func TestTagsThatDocumentsRelyOnAreProtected(t *testing.T) {
	documents := []Document{
		read(t, "condition", with(`{"StringEquals": {"aws:ResourceTag\u002fStage": "live", "ecs:ResourceTag/owner team": "x"}}`)),
		read(t, "variable", doc(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:ecs:*:*:cluster/${aws:ResourceTag/Team, 'x'}"}`)),
		read(t, "other letters", with(`{"StringEquals": {"aws:ResourceTag/Größe": "l"}}`)),
		read(t, "of a service", with(`{"StringEquals": {"ecr:ResourceTag/Kept": "yes"}}`)),
		read(t, "of a subject", with(`{"StringEquals": {"ecs-mcp-proxy:SubjectTag/Line": "a"}}`)),
		read(t, "again", with(`{"StringEquals": {"aws:ResourceTag/stage": "live", "aws:RequestTag/Free": "x"}}`)),
	}
	var got []string
	for _, tag := range protectedTags(map[string]Persona{"p": {Identity: documents}}) {
		got = append(got, tag.(string))
	}
	if want := []string{"Environment", "Größe", "Kept", "Line", "owner team", "Stage", "Team"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGuardrailProtectsTheTagsOfTheDocuments(t *testing.T) {
	e, err := New(t.Context(), map[string]Persona{"p": {Identity: []Document{
		read(t, "all", allowAll), read(t, "stage", with(`{"StringEquals": {"aws:ResourceTag/Stage": "live"}}`))}}})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"Stage": false, "Environment": false, "Colour": true} {
		r := request("p", authz.Access{Action: "ecs:UntagResource", Resource: service,
			Context: map[string]authz.Value{"aws:RequestedRegion": authz.One("us-east-1"), "aws:TagKeys": authz.Many(key)}})
		r.Call.Write = true
		d, err := e.Decide(t.Context(), r)
		if err != nil || d.Allow != want {
			t.Errorf("untagging %s: got %+v, %v", key, d, err)
		}
	}
}

func TestRevisionNamesThePolicy(t *testing.T) {
	engine := func(text string) *Engine {
		e, err := New(t.Context(), map[string]Persona{"p": {Identity: []Document{read(t, "a", text)}}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first, same, other := engine(allowAll), engine(" "+allowAll+"\n"), engine(denyAll)
	if first.Revision() == "" || first.Revision() != same.Revision() || first.Revision() == other.Revision() {
		t.Errorf("got %s, %s, %s", first.Revision(), same.Revision(), other.Revision())
	}
}

// Protection by tag is worth nothing to whoever may change the tag.
func TestUnprotectedTagsAreWarnedOf(t *testing.T) {
	for name, tt := range map[string]struct {
		guardrails Guardrails
		warned     bool
	}{
		"by default":    {nil, false},
		"off":           {Guardrails{"tag_escalation": "off"}, true},
		"off as a bool": {Guardrails{"tag_escalation": false}, true},
		"with settings": {Guardrails{"tag_escalation": map[string]any{"tags": []any{"Team"}}}, false},
		"another off":   {Guardrails{"host_network": "off"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			texts := warnings(map[string]Persona{"p": {Identity: []Document{read(t, "all", allowAll)}, Guardrails: tt.guardrails}})
			if warned := strings.Contains(strings.Join(texts, "\n"), "guardrail tag_escalation off"); warned != tt.warned {
				t.Errorf("got %q", texts)
			}
		})
	}
}
