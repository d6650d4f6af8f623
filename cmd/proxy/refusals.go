package main

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/metrics"
)

// refusals tells operators of requests that were refused before their message was
// looked at: all are counted, and the log has as many as nobody can fill a disk with.
// The record has none of them: whoever is not let in must not write into it.
type refusals struct {
	metrics *metrics.Metrics // nil: nobody looks
	log     *zap.Logger
	limit   *rate.Limiter
	skipped atomic.Int64
}

func newRefusals(m *metrics.Metrics, log *zap.Logger) *refusals {
	return &refusals{metrics: m, log: log, limit: rate.NewLimiter(rate.Every(time.Second), 60)}
}

func (f *refusals) refused(r *http.Request, who authz.Principal, status int, why string) {
	if f.metrics != nil {
		f.metrics.Refused(status)
	}
	if !f.limit.Allow() {
		f.skipped.Add(1)
		return
	}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	fields := []zap.Field{zap.Int("status", status), zap.String("from", from), zap.String("why", why)}
	if who.Kind != "" {
		fields = append(fields, zap.String("principal", who.Kind+"/"+who.ID))
	}
	if skipped := f.skipped.Swap(0); skipped > 0 {
		fields = append(fields, zap.Int64("not_logged_before", skipped))
	}
	f.log.Info("a request was refused", fields...)
}
