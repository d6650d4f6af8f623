package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAKeyIsReadFromAPrivateFileOfOneLine(t *testing.T) {
	long := strings.Repeat("k", leastKey)
	tests := []struct {
		name, text string
		mode       os.FileMode
		want       string // part of the error; empty: it is taken
	}{
		{"one line", long + "\n", 0o600, ""},
		{"one line without its end", long, 0o400, ""},
		{"one line of Windows", long + "\r\n", 0o600, ""},
		{"a file that the group may read", long, 0o640, "has mode 0640, so others may have read it"},
		{"a file that all may read", long, 0o604, "has mode 0604"},
		{"a short line", long[1:], 0o600, "is shorter than 32 bytes; make one: openssl rand -hex 32"},
		{"an empty file", "", 0o600, "is shorter than 32 bytes"},
		{"two lines", long + "\n" + long, 0o600, "must be one line"},
		{"a long file", strings.Repeat("k", mostKey+1), 0o600, "must be one line of at most 4096 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(tt.text), tt.mode); err != nil {
				t.Fatal(err)
			}
			key, err := ReadKey(path)
			switch {
			case tt.want == "" && (err != nil || string(key) != long):
				t.Errorf("%q, %v", key, err)
			case tt.want != "" && (!errors.Is(err, ErrKey) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "kkk")):
				t.Errorf("err = %v, want %q", err, tt.want)
			}
		})
	}
	for path, want := range map[string]string{t.TempDir(): "is not a file", "nowhere": "make one: (umask 077"} {
		if _, err := ReadKey(path); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: err = %v", path, err)
		}
	}
}

func TestTheHMACIsOverTheLineWithoutIt(t *testing.T) {
	line := []byte(`{"a":"b"}`)
	signed := testKey.sign(bytes.Clone(line))
	// openssl: printf '{"a":"b"}' | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
	const want = `{"a":"b","mac":"3a37d92df0f6fb3ecd58e946acd8d96e883e9ba9aeb9fde50003db21ec9d4c1e"}`
	if string(signed) != want {
		t.Errorf("%s, want %s", signed, want)
	}
	if problem := testKey.check(signed); problem != "" {
		t.Error(problem)
	}
	if problem := Key(nil).check(line); problem != "" {
		t.Error(problem)
	}
}
