package main

import (
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/traces"
)

// openRecords opens the audit log, and has its head announced until end is called,
// to whoever collects the log and the traces; follows may be nil.
func openRecords(cfg *config.Config, log *zap.Logger, follows *traces.Traces) (records *audit.Log, end func(), err error) {
	key, err := auditKey(cfg.Audit.KeyFile)
	if err != nil {
		return nil, nil, err
	}
	if records, err = audit.OpenWithKey(cfg.Audit.File, key); err != nil {
		return nil, nil, err
	}
	stop := announce(records, cfg.Audit.Announce.D(), func(h audit.Head) {
		log.Info("head of the audit log", zap.String("head", h.String()), zap.String("file", cfg.Audit.File))
		follows.Head(h.String())
	})
	return records, func() {
		stop()
		if err := records.Close(); err != nil {
			log.Error("close the audit log", zap.Error(err))
		}
	}, nil
}

// auditKey reads the key that signs lines; none if no file is named.
func auditKey(file string) (audit.Key, error) {
	if file == "" {
		return nil, nil
	}
	key, err := audit.ReadKey(file)
	if err != nil {
		return nil, fmt.Errorf("%w: audit.key_file: %w", config.ErrConfig, err)
	}
	return key, nil
}

// announce says the head of what was written, as often as is asked for and when
// stop is called, if there is anything new. Kept elsewhere, it is what a log whose
// end was cut off is found by.
func announce(records *audit.Log, every time.Duration, say func(audit.Head)) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticks := time.NewTicker(every)
		defer ticks.Stop()
		var said audit.Head
		news := func() {
			if h := records.Head(); h != said {
				said = h
				say(h)
			}
		}
		for {
			select {
			case <-ticks.C:
				news()
			case <-done:
				news()
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(done)
		<-ended
	})
}
