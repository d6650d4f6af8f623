package fakeaws

import "fmt"

// Case is a question to the evaluator alone, without a server: for tests that
// compare engines. Documents are IAM policies as JSON. A nil Boundary or
// Session is an absent layer; identity policies are always a layer.
type Case struct {
	Identity, Boundary, Session []string
	Action, Resource            string
	// Single and Multi are the condition keys of the request.
	Single map[string]string
	Multi  map[string][]string
}

// Simulate answers allowed, explicitDeny or implicitDeny with the evaluator
// that decides the server's requests. Its error is of class ErrPolicy.
func Simulate(c Case) (string, error) {
	k := keys{}
	for name, v := range c.Single {
		k.one(name, v)
	}
	for name, v := range c.Multi {
		k.many(name, v...)
	}
	layers := []layer{{kind: identityLayer}, {kind: boundaryLayer}, {kind: sessionLayer}}
	var present []layer
	for i, texts := range [][]string{c.Identity, c.Boundary, c.Session} {
		l := layers[i]
		for n, text := range texts {
			d, err := parsePolicy(fmt.Sprintf("%s%d", l.kind, n), text)
			if err != nil {
				return "", err
			}
			l.documents = append(l.documents, d)
		}
		if texts != nil || l.kind == identityLayer {
			present = append(present, l)
		}
	}
	return decide(present, question{c.Action, c.Resource, k}).word(), nil
}
