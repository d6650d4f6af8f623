package policy

import (
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// A session document limits as a boundary does. None limits nothing; one that
// allows nothing allows nothing.
func TestSessionLimits(t *testing.T) {
	read := func(name, statement string) Document {
		d, err := ReadDocument(name, []byte(doc(statement)))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	denies := read("denies", `{"Effect": "Deny", "Action": "ecs:DeleteCluster", "Resource": "*"}`)
	denied := read("denied", `{"Sid": "No", "Effect": "Deny", "Action": "ecs:DeleteService", "Resource": "*"}`)
	for name, tt := range map[string]struct {
		limit   []Document
		verdict authz.Verdict
	}{
		"no documents":            {nil, authz.Allowed},
		"an empty list":           {[]Document{}, authz.Allowed},
		"everything":              {[]Document{everything}, authz.Allowed},
		"denies of something":     {[]Document{denies}, authz.ImplicitDeny},
		"denies and everything":   {[]Document{denies, everything}, authz.Allowed},
		"a deny and everything":   {[]Document{denied, everything}, authz.ExplicitDeny},
		"an allow that is not it": {[]Document{read("other", `{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}`)}, authz.ImplicitDeny},
	} {
		t.Run(name, func(t *testing.T) {
			deployment := []Document{shipped(t, "deployment")}
			e, err := New(t.Context(), map[string]Persona{
				"session":  {Identity: deployment, Session: tt.limit},
				"boundary": {Identity: deployment, Boundary: tt.limit},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, layer := range []string{"session", "boundary"} {
				d, err := e.Decide(t.Context(), request(layer, deleteService(in("us-east-1", "aws:ResourceTag/Environment", "staging"))))
				if err != nil {
					t.Fatal(err)
				}
				got := d.Accesses[0]
				if got.Verdict != tt.verdict || tt.verdict != authz.Allowed && got.Layer != layer {
					t.Errorf("%s: got %+v, want %s", layer, got, tt.verdict)
				}
			}
		})
	}
}

// A document without statements cannot be meant as "no limit", nor as "nothing".
func TestADocumentWithoutStatementsIsRefused(t *testing.T) {
	_, err := ReadDocument("session", []byte(doc(``)))
	if err == nil || !strings.Contains(err.Error(), "Statement") {
		t.Errorf("got %v", err)
	}
}
