// Package audit keeps the record: one line for a refusal, two for a call, the
// decision before it is forwarded and the outcome after.
//
// It promises that a line is whole or refused: each is one write(2) to a file
// opened for appending, and [Log.Append] returns an error when the line did
// not get there, upon which the caller must not go on. Lines are a chain, each
// with the hash of the one before, over all processes that write a file and all
// files that it is rotated to ([Verify]); a mark beside the file keeps where it
// ends. Field names follow OPA's decision log where it has them (decision_id,
// path, input, result, requested_by, timestamp, revision).
//
// It never holds arguments as such, only their SHA-256, and never a secret of
// AWS. What policy compares is in it: names, ARNs, and the tags a call sets.
package audit
