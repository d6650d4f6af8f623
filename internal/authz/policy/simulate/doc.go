// Package simulate answers cases offline: IAM documents and one request in, the
// verdict out, JSON lines both ways. docs/simulate.md describes the format.
//
// It promises one answer for each line, in order, as soon as the line is read,
// and in memory that does not grow with the number of lines. A line that cannot
// be taken as it stands is answered "invalid" with what to write instead, never
// guessed at, and the lines after it are answered all the same.
//
// It evaluates nothing itself: a [Judge] does, rego/iam or its native twin.
package simulate
