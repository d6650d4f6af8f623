package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// keptBytes is how much of the server's standard error is kept in memory.
const keptBytes = 4 << 10

// serverLog takes the server's standard error. It can hold arguments of calls,
// so it goes to a private file or nowhere; its last lines are kept only to
// explain a server that ended before it was ever called.
type serverLog struct {
	file *os.File // nil: dropped

	mu   sync.Mutex
	tail []byte
}

func openServerLog(path string) (*serverLog, error) {
	if path == "" {
		return &serverLog{}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open server log: %w", err)
	}
	return &serverLog{file: f}, nil
}

// Write never fails: a full disk must not stop the server.
func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, p...)
	if over := len(l.tail) - keptBytes; over > 0 {
		l.tail = append(l.tail[:0], l.tail[over:]...)
	}
	if l.file != nil {
		if _, err := l.file.Write(p); err != nil {
			l.file.Close()
			l.file = nil
		}
	}
	return len(p), nil
}

// explain prints what is kept. Only for a server that was never called: its
// output cannot hold arguments then.
func (l *serverLog) explain(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.tail) {
		fmt.Fprintf(w, "ecs-mcp-proxy: server: %s\n", bytes.TrimRight(line, "\r\n"))
	}
}
