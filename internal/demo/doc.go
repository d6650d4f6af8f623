// Package demo tells the product's whole story on one machine, without an AWS
// account, Python or a network: a scripted MCP client, the real proxy as a
// child process, an embedded ECS MCP server behind it, and a strict AWS in
// memory (package fakeaws) that decides every request for itself.
//
// It promises that nothing in the story is staged: each step is a real call
// through the real binary, what it shows is read from the audit log and from
// AWS's own list of requests, and a step that ends otherwise than it should
// fails the run.
package demo
