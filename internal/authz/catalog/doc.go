// Package catalog turns a call (server, tool, arguments) into the IAM accesses
// it will need at AWS, or refuses it. It stands between the strict reading of a
// message and the question to policy.
//
// A catalogue is data: for each tool the arguments it takes, the resources they
// name, and the accesses on them. The facts about AWS below it (which condition
// keys an action carries, what shape an API's parameters have) are generated
// from public data; see gen and docs/catalogue.md.
//
// The package promises that what it accepts has one meaning: every argument is
// known and of its type, every name keeps to AWS's character set, every ARN is
// of the account, region and cluster of the call, and the accesses are never
// none. Whatever it does not know it refuses. A condition key it cannot fill is
// unknown, never absent.
//
// It does not decide, does not look anything up, and does not talk to AWS.
package catalog
