// Package rego holds the policy that the proxy decides by, as files that stock
// opa can test, check and build.
package rego

import "embed"

// Files are the modules, the documents of the built-in personas and the schema
// of the input. Modules whose name ends in _test.rego are among them; whoever
// loads the files leaves those out.
//
//go:embed iam authz guardrails lib personas schema traps
var Files embed.FS
