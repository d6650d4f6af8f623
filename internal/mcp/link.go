package mcp

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/awake"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/remote"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Process is a started server.
type Process struct {
	Stdin  io.WriteCloser
	Stdout io.Reader
	// Peer is in the place of both if the server is not spoken to by a pipe.
	Peer Peer
	// Done is closed when it and everything below it has ended.
	Done <-chan struct{}
	// Stop asks it to end, kills it if it does not, and returns when it has
	// ended: clean says that it ended by itself and without a failure.
	Stop func() (clean bool)
	// Kill kills it and everything below it and does not wait for the end.
	Kill func()
	// Address is where other sessions reach the same server; empty for one that was
	// started for this session.
	Address string
	// Working reports whether the server may be at work for the request with this id
	// although nothing more is heard of it. nil for one that is known to have ended with Done.
	Working func(wire.Key) bool
}

// link is the conversation with one server.
type link struct {
	c       *Conversation
	lane    int
	process Process
	to      Peer
	read    chan struct{}   // closed when its output has ended
	alive   context.Context // ends when it has ended
	end     context.CancelFunc
	closing sync.Once
	gone    atomic.Bool   // nothing more is read from it
	opened  chan struct{} // closed when it was opened, or could not be
	ready   bool          // once opened: it was ready for calls
	greeted atomic.Pointer[greeted]
	offer   *offer
}

// connect begins to relay to a process. What it writes is read once Run has begun.
func (c *Conversation) connect(lane int, process Process) *link {
	l := &link{c: c, lane: lane, process: process, to: process.Peer, read: make(chan struct{}), opened: make(chan struct{}), offer: newOffer()}
	l.alive, l.end = context.WithCancel(context.Background())
	c.links.Add(1)
	ended := func() {
		close(l.read)
		go l.watch()
	}
	if l.to == nil {
		l.to = c.piped("server", process.Stdout, process.Stdin, wire.ReadServer)
		ended = func() { close(l.read) }
		go l.watch() // it may end, and its output be held open by another
	}
	l.to.Begin(func(line []byte, m *wire.Message, err error) {
		if c.begun() && c.ctx.Err() == nil {
			c.fromServer(c.ctx, l, line, m, err)
		}
	}, ended)
	return l
}

// watch waits for the server's end and settles what it leaves behind.
func (l *link) watch() {
	defer l.c.links.Done()
	select {
	case <-l.read:
	case <-l.process.Done:
		drained, stop := awake.After(drainTime)
		select { // a client that pauses must not hide the end
		case <-l.read:
		case <-drained:
		case <-l.c.never: // nothing will be read
		}
		stop()
	}
	l.gone.Store(true)
	l.to.Close()
	clean := l.process.Stop()
	l.end()
	<-l.opened
	select {
	case <-l.c.running:
		l.c.serverEnded(l, clean)
	case <-l.c.never:
	}
}

// Send queues a line for the server.
func (l *link) Send(line []byte) bool { return !l.gone.Load() && l.to.Send(line, nil) }

// pass is Send of a message that was read, to a server of this session.
func pass(server lane.Server, m *wire.Message) bool {
	l, ok := server.(*link)
	if !ok {
		return server.Send(m.Raw)
	}
	return !l.gone.Load() && l.to.Send(m.Raw, m)
}

// place is where one task has the id.
func (l *link) place(id string) place {
	if l.process.Address != "" {
		return place{l.process.Address, id}
	}
	return place{l, id}
}

// working reports whether the server may go on with a request of which nothing more is heard.
func (l *link) working(id wire.ID) bool {
	return l.process.Working != nil && l.process.Working(id.Key())
}

// unanswered is why a server that is connected to did not answer a request, where
// the connection answers in its place; empty if the server answered. A server that
// says the same is believed: it then gave no answer either.
func (l *link) unanswered(m *wire.Message) string {
	if l.process.Working == nil || m.Error == nil {
		return ""
	}
	why, own := strings.CutPrefix(errorText(m), remote.Prefix)
	if !own {
		return ""
	}
	return why
}

// Done is closed when the server has ended.
func (l *link) Done() <-chan struct{} { return l.alive.Done() }

// OnDone calls f, in a goroutine of its own, when the server has ended.
func (l *link) OnDone(f func()) { context.AfterFunc(l.alive, f) }

// Kill kills the server.
func (l *link) Kill() { l.process.Kill() }

// Close ends the server's input; what is queued still goes out, if the server
// reads. A server that does not end then is stopped.
func (l *link) Close() {
	l.closing.Do(func() {
		go func() {
			l.to.Close()
			if p, ok := l.to.(*piped); ok {
				p.flush()
				_ = l.process.Stdin.Close() // closed already is fine
			}
			l.process.Stop()
		}()
	})
}

var _ lane.Server = (*link)(nil)
