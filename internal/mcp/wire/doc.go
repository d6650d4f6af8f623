// Package wire reads and writes JSON-RPC 2.0 messages, the first and the last
// step of everything that passes the proxy.
//
// A message is read strictly and once ([ReadClient], [ReadServer]) and then
// travels as the bytes it came in: Message.Raw is what was judged and what is
// forwarded. Only the few members that are decided or tracked are decoded.
//
// The package promises that a message it accepts from a client has one reading
// for every JSON reader (Go, Python and JavaScript, whatever they do with
// duplicate keys, case, NUL, lone surrogates or big numbers), that it is one
// line for every line reader (a bare carriage return counts as a line break),
// and that an error never repeats a value of the message.
//
// It does not know which methods are allowed, does not check tool arguments
// against a schema, and does not re-encode.
package wire
