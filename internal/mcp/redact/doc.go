// Package redact takes out of a server's answer what policy keeps from the
// client: the values of JSON members that an obligation names.
//
// It stands between the server's answer and the client, and leaves every byte
// that is not redacted as it was sent. It promises that no value of a named
// member is left, in whatever case the name is spelled: in the structured part
// of an answer, in text that is JSON or has JSON on lines of its own, in JSON
// inside a JSON string, in errors. Other text that names such a member is
// withheld whole, and so is what is not text. It does not find a value that
// stands without its name, nor one that the server has encoded.
//
// OUTER.INNER names the members INNER of the objects in the list OUTER, so that
// of environment.value the names stay. What OUTER holds in any other form is
// taken out whole.
package redact
