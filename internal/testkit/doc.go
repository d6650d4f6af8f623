// Package testkit is what the tests of several packages need and none of them is
// about. Nothing that ships imports it.
package testkit
