// Package reference knows which actions, resource types and condition keys AWS
// has, so that a policy document's misspellings can be told from its meaning.
//
// It is an excerpt of AWS's service authorization reference, embedded as
// reference.txt and made by the command in gen: the names of all services, and
// of those that policies for ECS are about ([Detailed]) every action with its
// resource types and condition keys. AWS adds to its services every week, so
// what is not found here is reason for a warning and never for a refusal.
//
// Nothing here decides a call: see package policy for that.
package reference
