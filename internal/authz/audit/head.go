package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Head is how far a log goes: the sequence number of its last line, and the
// SHA-256 of that line without its newline. The zero Head is a log without lines.
//
// A head that was kept where whoever can write the log cannot reach is an
// anchor: it proves every line up to its own.
type Head struct {
	Seq  uint64
	Hash [sha256.Size]byte
}

// ErrHead is the class of a text that is no head.
var ErrHead = errors.New("not a head")

// String is the form of --head: "240:9f86d0…".
func (h Head) String() string { return fmt.Sprintf("%d:%x", h.Seq, h.Hash) }

// ParseHead reads what String wrote.
func ParseHead(text string) (Head, error) {
	seq, hash, ok := strings.Cut(text, ":")
	number, err := strconv.ParseUint(seq, 10, 64)
	digest, malformed := hex.DecodeString(hash)
	if !ok || err != nil || malformed != nil || len(digest) != sha256.Size {
		return Head{}, fmt.Errorf("%w: write it as the log says it, SEQUENCE:SHA256", ErrHead)
	}
	return Head{number, [sha256.Size]byte(digest)}, nil
}

// link is what of a line makes it part of the chain.
type link struct {
	Seq  uint64 `json:"seq"`
	Prev string `json:"prev"` // SHA-256 of the line before; zeros for the first
}

// linkOf reads a line; false if it is no line of a chain.
func linkOf(line []byte) (link, bool) {
	var l link
	err := json.Unmarshal(line, &l)
	return l, err == nil && l.Seq > 0 && len(l.Prev) == 2*sha256.Size
}

// follows reports whether a line with this link is the next after the head.
func (l link) follows(h Head) bool {
	return l.Seq == h.Seq+1 && l.Prev == hex.EncodeToString(h.Hash[:])
}

// headAt is the head of a log that ends with the line.
func headAt(seq uint64, line []byte) Head { return Head{seq, sha256.Sum256(line)} }
