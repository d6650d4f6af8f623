// Package transport starts the upstream MCP server as a child process that
// cannot outlive the proxy.
//
//	proxy ── stdin, stdout: pipes, straight ──────────────► command ► its children
//	   └──── control and report pipes ──► guard ── parent of ──┘
//
// Between the two stands a guard: the proxy's own binary, started again
// ([RunGuard]). It touches no message; it starts the command and waits. When
// the control pipe closes, because the proxy asks for it or because the proxy
// is no more, the guard kills the command and every process that came from it,
// those that daemonised included: being a subreaper (prctl(2)) it becomes the
// parent of every orphan below it.
//
// The package promises that nothing survives kill -9 of the proxy, nor kill -9
// of the guard: then the kernel kills the command (PR_SET_PDEATHSIG) and the
// proxy, a subreaper too ([Subreaper]), inherits the rest and kills it before
// [Child.Done] closes. If both are killed at the same instant only the command
// itself is sure to die; a container or a systemd unit bounds that case.
//
// All that is so on Linux, with /proc. Elsewhere there is no guard, and [Caveat]
// says what is not promised (unguarded.go). It does not restart anything, does not
// look at what the command reads and writes, and is no sandbox: a process of
// the same user can do to the upstream whatever the proxy can.
package transport
