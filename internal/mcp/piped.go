package mcp

import (
	"context"
	"errors"
	"io"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Peer is a side of the conversation that takes messages and gives them.
type Peer interface {
	// Begin has each called with what the side says, one message after the other: the
	// line and, if it can be read, the message; and then ended. It does not wait.
	Begin(each func(line []byte, m *wire.Message, err error), ended func())
	// Send queues a line; false if it will never be sent. m is the message that the
	// line is, or nil: what need not be read again costs less.
	Send(line []byte, m *wire.Message) bool
	// Close says that nothing follows.
	Close()
}

// piped is a side that is spoken to by lines of bytes.
type piped struct {
	c       *Conversation
	side    string
	from    io.Reader
	to      io.Writer
	message func([]byte, wire.Limits) (*wire.Message, error)
	out     *outbox
	written <-chan struct{} // closed when all is out, or the side takes no more
}

// piped begins to write.
func (c *Conversation) piped(side string, from io.Reader, to io.Writer, message func([]byte, wire.Limits) (*wire.Message, error)) *piped {
	p := &piped{c: c, side: side, from: from, to: to, message: message, out: newOutbox(wire.NewLineWriter(to))}
	p.written = done(func() {
		if err := p.out.run(); err != nil {
			c.Log.Debug("write to the "+side, zap.Error(err))
		}
	})
	return p
}

// Begin reads once Run has begun.
func (p *piped) Begin(each func([]byte, *wire.Message, error), ended func()) {
	go func() { // stays in its read if the client keeps its side open; the process ends it
		defer ended()
		if !p.c.begun() {
			return
		}
		lines := wire.NewLineReader(p.from, p.c.Limits.Bytes)
		for {
			line, err := lines.Next()
			switch {
			case p.c.ctx.Err() != nil:
				return
			case err == nil:
				m, err := p.message(line, p.c.Limits)
				each(line, m, err)
			case errors.Is(err, wire.ErrTooLong):
				each(nil, nil, err)
			default:
				if !errors.Is(err, io.EOF) {
					p.c.Log.Debug("read from the "+p.side, zap.Error(err))
				}
				return
			}
		}
	}()
}

// Send queues a line; false if it will never be written.
func (p *piped) Send(line []byte, _ *wire.Message) bool { return p.out.put(line) }

// Close takes no more. What is queued still goes out.
func (p *piped) Close() { p.out.close() }

// flush waits until what was queued is out, if the side reads.
func (p *piped) flush() { waitFor(context.Background(), p.written, nil) }

var _ Peer = (*piped)(nil)
