package mcp

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/remote"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Process is a started server.
type Process struct {
	Stdin  io.WriteCloser
	Stdout io.Reader
	// Done is closed when it and everything below it has ended.
	Done <-chan struct{}
	// Stop asks it to end, kills it if it does not, and returns when it has
	// ended: clean says that it ended by itself and without a failure.
	Stop func() (clean bool)
	// Kill kills it and everything below it and does not wait for the end.
	Kill func()
	// Working reports whether the server may be at work for the request with this id
	// although nothing more is heard of it. nil for one that is known to have ended with Done.
	Working func(wire.Key) bool
}

// link is the conversation with one server.
type link struct {
	c       *Conversation
	lane    int
	process Process
	out     *outbox
	written <-chan struct{}
	read    chan struct{} // closed when its output has ended
	done    chan struct{} // closed when it has ended
	closing sync.Once
	gone    atomic.Bool   // nothing more is read from it
	opened  chan struct{} // closed when it was opened, or could not be
	ready   bool          // once opened: it was ready for calls
	greeted atomic.Pointer[greeted]
	offer   *offer
}

// connect begins to relay to a process. What it writes is read once Run has begun.
func (c *Conversation) connect(lane int, process Process) *link {
	l := &link{c: c, lane: lane, process: process, out: newOutbox(wire.NewLineWriter(process.Stdin)),
		read: make(chan struct{}), done: make(chan struct{}), opened: make(chan struct{}), offer: newOffer()}
	l.written = done(func() {
		if err := l.out.run(); err != nil {
			c.Log.Debug("write to the server", zap.Error(err))
		}
	})
	go func() {
		defer close(l.read)
		select {
		case <-c.running:
		case <-c.never:
			return
		}
		c.read(c.ctx, "server", process.Stdout, func(ctx context.Context, line []byte, err error) { c.fromServer(ctx, l, line, err) })
	}()
	c.links.Go(l.watch)
	return l
}

// watch waits for the server's end and settles what it leaves behind.
func (l *link) watch() {
	select {
	case <-l.read:
	case <-l.process.Done:
		select { // a client that pauses must not hide the end
		case <-l.read:
		case <-time.After(drainTime):
		case <-l.c.never: // nothing will be read
		}
	}
	l.gone.Store(true)
	l.out.close()
	clean := l.process.Stop()
	close(l.done)
	<-l.opened
	select {
	case <-l.c.running:
		l.c.serverEnded(l, clean)
	case <-l.c.never:
	}
}

// Send queues a line for the server.
func (l *link) Send(line []byte) bool { return !l.gone.Load() && l.out.put(line) }

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
func (l *link) Done() <-chan struct{} { return l.done }

// Kill kills the server.
func (l *link) Kill() { l.process.Kill() }

// Close ends the server's input; what is queued still goes out, if the server
// reads. A server that does not end then is stopped.
func (l *link) Close() {
	l.closing.Do(func() {
		go func() {
			l.out.close()
			waitFor(context.Background(), l.written, nil)
			_ = l.process.Stdin.Close() // closed already is fine
			l.process.Stop()
		}()
	})
}

var _ lane.Server = (*link)(nil)
