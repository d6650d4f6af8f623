package deploy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// module evaluates the Terraform module in HCL's own evaluator: the program
// itself asks a registry for the schema of its provider, which CI cannot reach.
type module struct {
	t       *testing.T
	blocks  map[string]*hclsyntax.Body // "resource aws_iam_role proxy"
	context *hcl.EvalContext
}

func newModule(t *testing.T, variables map[string]cty.Value) *module {
	t.Helper()
	m := &module{t: t, blocks: map[string]*hclsyntax.Body{}, context: &hcl.EvalContext{
		Variables: map[string]cty.Value{"data": object(
			"aws_caller_identity", object("current", object("account_id", cty.StringVal(account))),
			"aws_partition", object("current", object("partition", cty.StringVal("aws"))),
		)},
		Functions: map[string]function.Function{
			"jsonencode": stdlib.JSONEncodeFunc, "merge": stdlib.MergeFunc, "sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "keys": stdlib.KeysFunc,
			"join": stdlib.JoinFunc, "regex": stdlib.RegexFunc, "contains": stdlib.ContainsFunc, "length": stdlib.LengthFunc, "can": tryfunc.CanFunc,
		},
	}}
	paths, err := filepath.Glob("terraform/*.tf")
	if err != nil || len(paths) == 0 {
		t.Fatal("no module", err)
	}
	parser := hclparse.NewParser()
	var locals []*hclsyntax.Body
	for _, path := range paths {
		file, diagnostics := parser.ParseHCLFile(path)
		m.must(diagnostics)
		for _, b := range file.Body.(*hclsyntax.Body).Blocks {
			if b.Type == "locals" {
				locals = append(locals, b.Body)
				continue
			}
			m.blocks[strings.Join(append([]string{b.Type}, b.Labels...), " ")] = b.Body
		}
	}
	m.setVariables(variables)
	m.setLocals(locals)
	arn := func(kind, name string) cty.Value {
		return cty.StringVal("arn:aws:iam::" + account + ":" + kind + "/" + name)
	}
	m.context.Variables["aws_iam_role"] = object("proxy", object(
		"arn", arn("role", m.text("resource aws_iam_role proxy", "name")), "id", cty.StringVal("proxy")))
	m.context.Variables["aws_iam_policy"] = object("boundary", object("arn", arn("policy", m.text("resource aws_iam_policy boundary", "name"))))
	return m
}

func object(namesAndValues ...any) cty.Value {
	m := map[string]cty.Value{}
	for i := 0; i < len(namesAndValues); i += 2 {
		m[namesAndValues[i].(string)] = namesAndValues[i+1].(cty.Value)
	}
	return cty.ObjectVal(m)
}

func (m *module) must(d hcl.Diagnostics) {
	m.t.Helper()
	if d.HasErrors() {
		m.t.Fatal(d)
	}
}

// setVariables takes values or defaults, and asks each variable's validation.
func (m *module) setVariables(given map[string]cty.Value) {
	variables := map[string]cty.Value{}
	for name, body := range m.blocks {
		name, ok := strings.CutPrefix(name, "variable ")
		if !ok {
			continue
		}
		value, ok := given[name]
		if standard := body.Attributes["default"]; !ok && standard != nil {
			var d hcl.Diagnostics
			value, d = standard.Expr.Value(nil)
			m.must(d)
		} else if !ok {
			m.t.Fatalf("variable %s has no default", name)
		}
		if value.Type().IsTupleType() {
			value, _ = convert.Convert(value, cty.Set(cty.String))
		}
		variables[name] = value
	}
	m.context.Variables["var"] = cty.ObjectVal(variables)
	for name, body := range m.blocks {
		for _, b := range body.Blocks {
			if b.Type == "validation" && m.value(b.Body.Attributes["condition"], m.context).False() {
				m.t.Fatalf("%s is not valid", name)
			}
		}
	}
}

// setLocals evaluates them in the order of their need.
func (m *module) setLocals(bodies []*hclsyntax.Body) {
	values := map[string]cty.Value{}
	pending := map[string]*hclsyntax.Attribute{}
	for _, body := range bodies {
		for name, attribute := range body.Attributes {
			pending[name] = attribute
		}
	}
	for len(pending) > 0 {
		before := len(pending)
		for name, attribute := range pending {
			m.context.Variables["local"] = cty.ObjectVal(values)
			if value, d := attribute.Expr.Value(m.context); !d.HasErrors() {
				values[name] = value
				delete(pending, name)
			} else if before == 1 {
				m.must(d)
			}
		}
		if len(pending) == before {
			m.t.Fatalf("%d locals cannot be evaluated", before)
		}
	}
	m.context.Variables["local"] = cty.ObjectVal(values)
}

func (m *module) value(a *hclsyntax.Attribute, in *hcl.EvalContext) cty.Value {
	m.t.Helper()
	if a == nil {
		m.t.Fatal("an attribute is missing")
	}
	value, d := a.Expr.Value(in)
	m.must(d)
	return value
}

func (m *module) text(block, attribute string) string {
	m.t.Helper()
	body, ok := m.blocks[block]
	if !ok {
		m.t.Fatalf("there is no %s", block)
	}
	return m.value(body.Attributes[attribute], m.context).AsString()
}

// of is an attribute of a resource with for_each.
func (m *module) of(persona, block, attribute string) string {
	m.t.Helper()
	in := m.context.NewChild()
	in.Variables = map[string]cty.Value{"each": object("key", cty.StringVal(persona))}
	return m.value(m.blocks[block].Attributes[attribute], in).AsString()
}

// whole reports whether a persona has all variables it needs.
func (m *module) whole(persona string) bool {
	in := m.context.NewChild()
	in.Variables = map[string]cty.Value{"each": object("key", cty.StringVal(persona))}
	for _, b := range m.blocks["resource aws_iam_role persona"].Blocks {
		for _, check := range b.Body.Blocks {
			if check.Type == "precondition" {
				return m.value(check.Body.Attributes["condition"], in).True()
			}
		}
	}
	m.t.Fatal("no precondition")
	return false
}

// roles reads what the module would make.
func (m *module) roles() roles {
	made := roles{
		boundary: canonical(m.t, m.text("resource aws_iam_policy boundary", "policy")),
		proxy: role{
			name:   m.text("resource aws_iam_role proxy", "name"),
			trust:  canonical(m.t, m.text("resource aws_iam_role proxy", "assume_role_policy")),
			policy: canonical(m.t, m.text("resource aws_iam_role_policy proxy", "policy")),
		},
		personas: map[string]role{},
	}
	for _, p := range m.context.Variables["var"].GetAttr("personas").AsValueSlice() {
		name := p.AsString()
		if got := m.of(name, "resource aws_iam_role persona", "permissions_boundary"); !strings.HasSuffix(got, "region-and-production") {
			m.t.Errorf("%s is bounded by %q", name, got)
		}
		made.personas[name] = role{
			name:   m.of(name, "resource aws_iam_role persona", "name"),
			trust:  canonical(m.t, m.of(name, "resource aws_iam_role persona", "assume_role_policy")),
			policy: canonical(m.t, m.of(name, "resource aws_iam_role_policy persona", "policy")),
		}
	}
	return made
}

// moduleArguments are those of a module block, as a user of the module writes it.
func moduleArguments(t *testing.T, text string) map[string]cty.Value {
	t.Helper()
	file, d := hclparse.NewParser().ParseHCL([]byte(text), "page")
	if d.HasErrors() {
		t.Fatal(d)
	}
	arguments := map[string]cty.Value{}
	for name, a := range file.Body.(*hclsyntax.Body).Blocks[0].Body.Attributes {
		value, d := a.Expr.Value(nil)
		if d.HasErrors() {
			t.Fatal(d)
		}
		if name == "source" {
			continue
		}
		if value.Type().IsTupleType() {
			value, _ = convert.Convert(value, cty.Set(cty.String))
		}
		arguments[name] = value
	}
	return arguments
}

// As terraform fmt would have it.
func TestTheModuleIsFormatted(t *testing.T) {
	paths, _ := filepath.Glob("terraform/*.tf")
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(hclwrite.Format(b), b) {
			t.Errorf("%s is not formatted", path)
		}
	}
}
