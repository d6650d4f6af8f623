package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func benchmarkLine(size int, objects bool) []byte {
	arguments := `{"text":"` + strings.Repeat("x", max(0, size-11)) + `"}`
	if objects {
		var list []string
		for i := range size / 64 {
			list = append(list, fmt.Sprintf(`{"name":"container-%06d","cpu":256,"essential":true,"port":80}`, i))
		}
		arguments = `{"list":[` + strings.Join(list, ",") + `]}`
	}
	return []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ecs_resource_management","arguments":` + arguments + `}}`)
}

func BenchmarkRead(b *testing.B) {
	for name, line := range map[string][]byte{
		"64B arguments":              benchmarkLine(64, false),
		"256KiB in one string":       benchmarkLine(256<<10, false),
		"256KiB in many objects":     benchmarkLine(256<<10, true),
		"a notification of a server": []byte(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ReadClient(line, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+", encoding json for comparison", func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				var v map[string]any
				if err := json.Unmarshal(line, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
