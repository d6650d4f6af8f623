package mcp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// Consents seals what a client's user is asked about, for the clients of MCP
// 2026-07-28 that bring it back with the answer, and takes each seal once. One
// serves all sessions of a proxy. A nil Consents asks nobody.
type Consents struct {
	key    []byte
	within time.Duration

	mu   sync.Mutex
	used memory[string, struct{}] // by the id of the question, until it would have expired
	patience
}

// NewConsents returns one whose questions must be answered within a time. Without
// a key it makes one, so that only this process takes its seals. Those who share a
// key take each other's, and each of them takes one once.
func NewConsents(key []byte, within time.Duration) *Consents {
	if len(key) == 0 {
		key = make([]byte, sha256.Size)
		_, _ = rand.Read(key) // never fails
	}
	return &Consents{key: key, within: within}
}

// consent is what the client's user was asked about, and agreed to unless it says
// no.
type consent struct {
	id      string // of the decision under which the user was asked
	expires time.Time
	about   terms
	// What the call brought for its server, as JSON: params' inputResponses and
	// requestState; nil for none.
	responses, state []byte
	// no is why the user's answer is no yes; it is in no seal.
	no error
}

// terms are digests of what the user agrees to, by the key: the client holds them,
// and must not find out by guessing what was looked up for the decision. The zero
// terms are nobody's.
type terms struct{ caller, call, accesses, policy [sha256.Size]byte }

// differs names what of a call is not as it was when the user was asked; empty if
// all is.
func (t terms) differs(now terms) string {
	switch {
	case t.caller != now.caller:
		return "the caller"
	case t.call != now.call:
		return "the tool or its arguments"
	case t.accesses != now.accesses:
		return "what the call would do"
	case t.policy != now.policy:
		return "policy"
	}
	return ""
}

// A seal is this, and in base64 the MAC, the question's id, when it expires, the
// terms, how long the responses are, these and the state. The MAC authenticates
// all that follows it.
const (
	sealPrefix = "ecs-mcp-proxy.consent.1."
	idSize     = 20 // of a decision's id
	fixedSize  = sha256.Size + idSize + 8 + 4*sha256.Size + 4
)

var sealForm = base64.RawURLEncoding

// isSeal reports whether a requestState is meant as a seal of the proxy's: it is
// then no server's.
func isSeal(state string) bool { return strings.HasPrefix(state, sealPrefix) }

var (
	errForged  = errors.New("the consent is not one that this proxy gave out")
	errExpired = errors.New("the consent has expired")
	errUsed    = errors.New("the consent was used before")
)

// seal writes a consent so that only a holder of the key can write another.
func (c *Consents) seal(a consent) string {
	b := make([]byte, sha256.Size, fixedSize+len(a.responses)+len(a.state))
	b = append(b, a.id...)
	b = binary.BigEndian.AppendUint64(b, uint64(a.expires.Unix()))
	for _, digest := range [][sha256.Size]byte{a.about.caller, a.about.call, a.about.accesses, a.about.policy} {
		b = append(b, digest[:]...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(a.responses)))
	b = append(append(b, a.responses...), a.state...)
	copy(b, c.mac(b[sha256.Size:]))
	return sealPrefix + sealForm.EncodeToString(b)
}

func (c *Consents) mac(b []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	h.Write([]byte(sealPrefix))
	h.Write(b)
	return h.Sum(nil)
}

// digest is the HMAC-SHA256 of values, each with its length. One that has no JSON
// form equals nothing.
func (c *Consents) digest(values ...any) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, c.key)
	h.Write([]byte("terms"))
	for _, v := range values {
		b, err := json.Marshal(v, json.Deterministic(true))
		if err != nil {
			b = []byte(rand.Text())
		}
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	copy(sum[:], h.Sum(nil))
	return sum
}

// open reads a seal. Every text but the very one that seal wrote is errForged; one
// whose time is over is errExpired.
func (c *Consents) open(state string) (a consent, err error) {
	text, ok := strings.CutPrefix(state, sealPrefix)
	b, err := sealForm.DecodeString(text)
	// The decoder passes over line breaks and spare bits: one seal has one spelling.
	if !ok || err != nil || len(b) < fixedSize || sealForm.EncodeToString(b) != text {
		return consent{}, errForged
	}
	sum, b := b[:sha256.Size], b[sha256.Size:]
	if !hmac.Equal(sum, c.mac(b)) {
		return consent{}, errForged
	}
	a.id, b = string(b[:idSize]), b[idSize:]
	a.expires, b = time.Unix(int64(binary.BigEndian.Uint64(b)), 0), b[8:]
	for _, digest := range []*[sha256.Size]byte{&a.about.caller, &a.about.call, &a.about.accesses, &a.about.policy} {
		b = b[copy(digest[:], b):]
	}
	size := binary.BigEndian.Uint32(b)
	if b = b[4:]; int64(size) > int64(len(b)) {
		return consent{}, errForged
	}
	a.responses, a.state = orNil(b[:size]), orNil(b[size:])
	if !time.Now().Before(a.expires) {
		return consent{}, errExpired
	}
	return a, nil
}

// orNil: no JSON is empty, so what is empty stands for none.
func orNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// use takes a consent for good; errUsed if it was taken before.
func (c *Consents) use(a consent) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.used.put(a.id, struct{}{}, a.expires) {
		return errUsed
	}
	return nil
}
