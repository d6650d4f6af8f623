package audit

import (
	"path/filepath"
	"strings"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	for name, key := range map[string]Key{"unsigned": nil, "signed": testKey} {
		b.Run(name, func(b *testing.B) {
			l, err := OpenWithKey(filepath.Join(b.TempDir(), "audit.jsonl"), key)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			for b.Loop() {
				if err := l.Append(Record{Phase: PhaseDecision, DecisionID: "one", Message: strings.Repeat("x", 1500)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
