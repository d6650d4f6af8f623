// Command bench measures, side by side in one run, what a decision costs and what
// the proxy adds to a call.
//
// Decisions: OPA's empty rule asked about the same requests, the five policies
// with boundary and guardrails, the same with thousands of statements more, in
// Rego alone, and in cedar-go. With "bench decisions" that is all.
//
// The credential endpoint: what one answer takes over a connection that is kept.
// With "bench endpoint" that is all.
//
// Calls: what the proxy adds to a call over stdio: the server alone (direct), the
// same behind a process that only copies bytes (pump), and behind the proxy with
// everything on: policy, audit log, credential lease and a strict AWS in memory
// for STS.
//
// HTTP: the same between HTTP and HTTP, in front of the go-sdk's server: direct,
// behind httputil.ReverseProxy and nothing else, and behind serve; of one caller,
// of 500 who make a call a second each, of 500 as fast as they are answered, and with
// 256 KiB of arguments. With "bench serve" that is all.
//
// Sessions: the memory of serve with 10,000 idle sessions, and how soon one more is
// refused. With "bench sessions" that is all.
//
// Rounds are interleaved and medians are taken, because the machine's mood
// changes; the ratios count, not the microseconds. It ends with an error if a
// budget is missed.
package main
