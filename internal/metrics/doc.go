// Package metrics counts what the proxy does, for Prometheus. Labels are few and
// from the program or the configuration: never a decision's id, a principal, an
// ARN or anything else that a caller chooses.
package metrics
