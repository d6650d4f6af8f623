package main

import (
	"context"
	"net/http"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/traces"
)

// newTraces begins to follow calls; nil if nobody collects traces. They are to be closed.
func newTraces(ctx context.Context, cfg *config.Config, log *zap.Logger) (*traces.Traces, error) {
	if cfg.Traces.Endpoint == "" {
		return nil, nil
	}
	var header http.Header
	if cfg.Traces.HeadersFile != "" {
		var err error
		if header, err = config.ReadHeaders(cfg.Traces.HeadersFile); err != nil {
			return nil, err
		}
	}
	return traces.New(ctx, traces.Config{Endpoint: cfg.Traces.Endpoint, Header: header, Ratio: float64(cfg.Traces.SamplePercent) / 100, Version: versionString(),
		Trouble: func(err error) {
			if err != nil {
				log.Warn("the collector does not take traces; they are dropped, and counted", zap.Error(err))
			} else {
				log.Info("the collector takes traces again")
			}
		}})
}
