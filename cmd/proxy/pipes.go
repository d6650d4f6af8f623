package main

import (
	"bytes"
	"io"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// withPipes gives a server that takes messages a standard input and output, for
// what speaks to servers by lines of bytes.
func withPipes(process mcp.Process) mcp.Process {
	if process.Peer == nil {
		return process
	}
	read, write := io.Pipe()
	process.Peer.Begin(func(line []byte, _ *wire.Message, _ error) {
		_, _ = write.Write(append(bytes.Clone(line), '\n')) // nobody reads any more
	}, func() { write.Close() })
	stop := process.Stop
	process.Stop = func() bool {
		read.Close()
		return stop()
	}
	process.Stdin, process.Stdout = &lineSender{to: process.Peer}, read
	return process
}

// lineSender sends what is written to it, line by line.
type lineSender struct {
	to      mcp.Peer
	partial []byte
}

func (s *lineSender) Write(b []byte) (int, error) {
	s.partial = append(s.partial, b...)
	for {
		line, rest, whole := bytes.Cut(s.partial, []byte{'\n'})
		if !whole {
			return len(b), nil
		}
		if !s.to.Send(bytes.Clone(line), nil) {
			return 0, io.ErrClosedPipe
		}
		s.partial = rest
	}
}

func (s *lineSender) Close() error {
	s.to.Close()
	return nil
}
