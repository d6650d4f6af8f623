package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// strangeServer is the server of a corpus on standard input and output. It
// writes down what it hears before it says anything.
//
//	strange-server CORPUS VERSION RECORD
func strangeServer() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	corpus, err := readCorpus(os.Args[1], os.Args[2])
	fail(err)
	record, err := os.OpenFile(os.Args[3], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	fail(err)
	play := player{corpus: corpus}
	for lines := wire.NewLineReader(os.Stdin, 0); ; {
		line, err := lines.Next()
		if err != nil {
			return
		}
		_, err = fmt.Fprintf(record, "%s\n", line)
		fail(err)
		_, says := play.hear(string(line))
		for _, message := range says {
			_, err := fmt.Println(message)
			fail(err)
		}
	}
}

// strangeWeb is the server of a corpus over streamable HTTP.
type strangeWeb struct {
	record *os.File

	mu   sync.Mutex
	play player
	open chan string // messages for the request that is not answered
	get  chan string // messages that belong to no request
}

func serveStrange(t *testing.T, corpus corpus, record string) (url string) {
	t.Helper()
	f, err := os.Create(record)
	must(t, err)
	s := &strangeWeb{record: f, play: player{corpus: corpus}, get: make(chan string, 100)}
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
		f.Close()
	})
	return web.URL
}

func (s *strangeWeb) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		events(w, r, s.get)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost {
		return
	}
	var message struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	_ = json.Unmarshal(body, &message)
	isRequest := message.ID != nil && message.Method != ""

	s.mu.Lock()
	fmt.Fprintf(s.record, "%s\n", body)
	_, says := s.play.hear(string(body))
	to := s.open
	if isRequest {
		to = make(chan string, 100)
		s.open = to
	}
	if to == nil {
		to = s.get
	}
	own := to
	for _, m := range says {
		if strings.Contains(m, `"method":"notifications/tools/list_changed","params":{"_meta"`) {
			s.get <- m // of a subscription, which is open for long
			continue
		}
		to <- m
		if isAnswer(m) && to == s.open {
			close(s.open)
			s.open, to = nil, s.get
		}
	}
	s.mu.Unlock()

	switch {
	case !isRequest:
		w.WriteHeader(http.StatusAccepted)
	case message.Method == "subscriptions/listen":
		s.mu.Lock()
		s.open = nil
		s.mu.Unlock()
		events(w, r, own, s.get)
	default:
		if message.Method == "initialize" {
			w.Header().Set("Mcp-Session-Id", "strange")
		}
		events(w, r, own)
	}
}

func isAnswer(message string) bool {
	m, err := wire.ReadServer([]byte(message), wire.Limits{})
	return err == nil && m.Kind == wire.Response
}

// events writes messages as events until the first channel is closed.
func events(w http.ResponseWriter, r *http.Request, from ...chan string) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	_ = out.Flush()
	var second chan string
	if len(from) > 1 {
		second = from[1]
	}
	for {
		message, ok := "", true
		select {
		case message, ok = <-from[0]:
		case message = <-second:
		case <-r.Context().Done():
			return
		}
		if !ok {
			return
		}
		fmt.Fprintf(w, "data: %s\n\n", message)
		_ = out.Flush()
	}
}
