// Package facts looks up what the arguments of a call do not say: the resource
// tags of what Amazon ECS keeps, of CloudFormation stacks, ECR repositories and
// log groups; the roles of a task definition; and the revision that a family
// stands for.
//
// It is asked only after policy was asked with the facts unknown and could
// still allow, so a caller without rights learns nothing and costs nothing. It
// uses the proxy's own read-only access, never the caller's grant.
//
// It promises that unknown stays unknown: a look-up that fails, is refused, finds
// nothing, or is answered about anything else than the very ARN that was asked
// for leaves the keys in the access's Unknown list, and a Deny that depends on
// them then fires. Answers are kept for a short time, and the record says how old
// one was; failures are never kept.
package facts
