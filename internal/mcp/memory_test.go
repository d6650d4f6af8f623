package mcp

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatIsRememberedIsForgottenAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m memory[string, int]
		began := time.Now()
		for key, seconds := range map[string]int{"c": 3, "a": 1, "e": 5, "b": 2, "d": 4} {
			if !m.put(key, seconds, began.Add(time.Duration(seconds)*time.Second)) {
				t.Errorf("%s is not kept", key)
			}
		}
		if m.put("c", 7, began.Add(time.Hour)) {
			t.Error("another value takes the place of one that is kept")
		}
		for second, key := range []string{"a", "b", "c", "d", "e"} {
			if v, ok := m.get(key); !ok || v != second+1 || len(m.values) != 5-second || len(m.ends) != 5-second {
				t.Errorf("after %d s %s is %d, %t, and %d are kept", second, key, v, ok, len(m.values))
			}
			time.Sleep(time.Second)
			if _, ok := m.get(key); ok {
				t.Errorf("%s is not forgotten", key)
			}
		}
	})
}
