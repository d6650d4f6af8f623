package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// Key signs lines with HMAC-SHA256. The zero Key signs nothing.
type Key []byte

// ErrKey is the class of a key that cannot be trusted.
var ErrKey = errors.New("audit key")

// The length of a key in bytes, as the file has it. Source of the least:
// RFC 2104, section 3: less than the hash's output is not wanted.
const (
	leastKey = sha256.Size
	mostKey  = 4 << 10
)

// ReadKey reads a key from the only line of a file that nobody but its owner
// may read. The error is an ErrKey, never holds any of it, and says what to do.
func ReadKey(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; make one: (umask 077; openssl rand -hex 32 > FILE)", ErrKey, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s is not a file", ErrKey, path)
	case !private(info):
		return nil, fmt.Errorf("%w: %s has mode %04o, so others may have read it; make a new one with mode 0600", ErrKey, path, info.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, mostKey+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	switch {
	case len(b) > mostKey || bytes.ContainsAny(b, "\r\n\x00"):
		return nil, fmt.Errorf("%w: %s must be one line of at most %d bytes", ErrKey, path, mostKey)
	case len(b) < leastKey:
		return nil, fmt.Errorf("%w: %s is shorter than %d bytes; make one: openssl rand -hex 32", ErrKey, path, leastKey)
	}
	return b, nil
}

// The last member of a line that is signed. What is signed is the line without it.
const (
	macBegin = `,"mac":"`
	macEnd   = `"}`
)

// sign adds the HMAC to a line, which is a JSON object without a newline.
func (k Key) sign(line []byte) []byte {
	if len(k) == 0 {
		return line
	}
	mac := k.mac(line)
	line = append(line[:len(line)-1], macBegin...)
	return append(hex.AppendEncode(line, mac), macEnd...)
}

func (k Key) mac(line []byte) []byte {
	h := hmac.New(sha256.New, k)
	h.Write(line)
	return h.Sum(nil)
}

// The findings of check.
const (
	unsigned = "carries no HMAC, and a key is given"
	forged   = "was not signed with this key, or was changed since"
)

// check says what is wrong with a line's HMAC; nothing without a key.
func (k Key) check(line []byte) (problem string) {
	if len(k) == 0 {
		return ""
	}
	size := len(macBegin) + 2*sha256.Size + len(macEnd)
	if len(line) < size || !bytes.HasPrefix(line[len(line)-size:], []byte(macBegin)) || !bytes.HasSuffix(line, []byte(macEnd)) {
		return unsigned
	}
	body := append(bytes.Clone(line[:len(line)-size]), '}')
	said, err := hex.DecodeString(string(line[len(line)-size+len(macBegin) : len(line)-len(macEnd)]))
	if err != nil || !hmac.Equal(said, k.mac(body)) {
		return forged
	}
	return ""
}
