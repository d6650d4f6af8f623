package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// terraform writes the documents and what stands for their placeholders. What
// is done with them is the hand-written part of the module.
func terraform(m model) []byte {
	var b bytes.Buffer
	b.WriteString(header + "\nlocals {\n  # What each persona may do. Unindented they are what the proxy decides by.\n  permissions = {\n")
	for _, p := range m.personas {
		fmt.Fprintf(&b, "    # %s\n    %q = jsonencode(%s)\n\n", p.about, p.name, hcl(p.statements))
	}
	fmt.Fprintf(&b, "  }\n\n  # %s\n  boundary = jsonencode(%s)\n\n", m.boundary.about, hcl(m.boundary.statements))
	var actions []any
	for _, a := range m.facts {
		actions = append(actions, a)
	}
	fmt.Fprintf(&b, "  # What looking up tags needs.\n  facts = %s\n\n  # The variables that a persona needs.\n  needs = {\n", hcl(actions))
	for _, p := range m.personas {
		fmt.Fprintf(&b, "    %q = {\n", p.name)
		for _, name := range p.values {
			if pseudo[name] == "" {
				fmt.Fprintf(&b, "      %q = var.%s\n", name, name)
			}
		}
		b.WriteString("    }\n")
	}
	b.WriteString("  }\n}\n")
	for _, v := range m.parameters {
		fmt.Fprintf(&b, "\nvariable %q {\n  description = %q\n  type = string\n", v.Name, v.About)
		pattern := "A-Za-z0-9_+=,.@/-"
		if v.Wildcards {
			pattern = "A-Za-z0-9_+=,.@/*?-"
		}
		count := "*"
		if v.Name == "region" {
			count = "+"
		} else {
			fmt.Fprintf(&b, "  default = %q\n", v.Default)
		}
		fmt.Fprintf(&b, "\n  validation {\n    condition = can(regex(%q, var.%s))\n    error_message = \"Must be the %s.\"\n  }\n}\n",
			"^["+pattern+"]"+count+"$", v.Name, strings.TrimPrefix(v.About, "the "))
	}
	return hclwrite.Format(b.Bytes())
}

// hcl writes a value as an HCL expression.
func hcl(v any) string {
	var b strings.Builder
	switch v := v.(type) {
	case string:
		text := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(v)
		quoted := strconv.Quote(text) // HCL's escapes are those that JSON's texts need
		return placeholder.ReplaceAllStringFunc(quoted, func(p string) string {
			name := strings.Trim(p, "{}")
			if pseudo[name] != "" {
				return "${local." + name + "}"
			}
			return "${var." + name + "}"
		})
	case []any:
		b.WriteString("[\n")
		for _, one := range v {
			b.WriteString(hcl(one) + ",\n")
		}
		return b.String() + "]"
	case yaml.MapSlice:
		b.WriteString("{\n")
		for _, item := range v {
			fmt.Fprintf(&b, "%s = %s\n", hcl(item.Key), hcl(item.Value))
		}
		return b.String() + "}"
	}
	return fmt.Sprint(v)
}
