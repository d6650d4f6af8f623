package mcp

import (
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// What stages and traces cost a call when nobody collects any.
func BenchmarkNobodyFollows(b *testing.B) {
	g, m := &Gate{}, &wire.Message{Method: "tools/call", Name: "t"}
	b.ReportAllocs()
	for b.Loop() {
		ctx, trace := g.follow(b.Context(), m, "d")
		for _, stage := range Stages {
			g.timed(ctx, stage)()
		}
		if trace != nil {
			b.Fatal("somebody follows")
		}
	}
}
