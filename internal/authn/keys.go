package authn

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"golang.org/x/time/rate"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/awake"
)

// ErrKeys is the class of failures to have the issuer's keys: no token can be checked.
var ErrKeys = errors.New("read the issuer's keys")

// errUnknownKey is that the issuer publishes no such key for that algorithm.
var errUnknownKey = errors.New("unknown key")

// The bounds of a key set, and how long one is believed.
const (
	maxKeySet = 256 << 10
	maxKeys   = 100
	readTime  = 5 * time.Second
	maxAge    = time.Hour // since it was last had
)

// Keys are an issuer's public keys by their ids (JWK Set, RFC 7517). They are
// read again when they are old, so that a key that was withdrawn ends, and when
// a token names an unknown one, so that a new key counts at once; but never
// oftener than a limit, whatever clients send.
type Keys struct {
	read  func(context.Context) ([]byte, error)
	fresh time.Duration // until they are read again
	limit *rate.Limiter // of reads because of unknown keys

	reading sync.Mutex // one reads
	mu      sync.RWMutex
	set     map[string]key
	at      time.Time // when set was had
	tried   time.Time
}

// key is one public key; the algorithm is empty if it has none of its own.
type key struct {
	algorithm string
	public    crypto.PublicKey
}

// KeysAt are the keys at a URL, to which no redirect leads away.
func KeysAt(url string) *Keys {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Keys{fresh: 5 * time.Minute, limit: rate.NewLimiter(rate.Every(30*time.Second), 3), read: func(ctx context.Context) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Accept", "application/jwk-set+json, application/json")
		response, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s answered %s; it must have the keys itself, redirects are not followed", url, response.Status)
		}
		return readAll(response.Body)
	}}
}

// KeysIn are the keys in a file.
func KeysIn(file string) *Keys {
	return &Keys{fresh: 5 * time.Second, limit: rate.NewLimiter(rate.Every(time.Second), 3), read: func(context.Context) ([]byte, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readAll(f)
	}}
}

func readAll(from io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(from, maxKeySet+1))
	if err == nil && len(b) > maxKeySet {
		err = fmt.Errorf("it is longer than %d bytes", maxKeySet)
	}
	return b, err
}

// Load reads the keys. When it fails those that were had before stay.
func (k *Keys) Load(ctx context.Context) error {
	k.reading.Lock()
	defer k.reading.Unlock()
	return k.load(ctx)
}

func (k *Keys) load(ctx context.Context) error {
	ctx, cancel := awake.WithTimeout(ctx, readTime)
	defer cancel()
	b, err := k.read(ctx)
	var set map[string]key
	if err == nil {
		set, err = parseKeys(b)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried = time.Now()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeys, err)
	}
	k.set, k.at = set, k.tried
	return nil
}

// find returns the key with that id for that algorithm.
func (k *Keys) find(ctx context.Context, id, algorithm string) (crypto.PublicKey, error) {
	found, at, due := k.known(id)
	if due { // those at hand serve meanwhile
		go func() {
			if k.reading.TryLock() {
				defer k.reading.Unlock()
				_ = k.load(context.WithoutCancel(ctx)) // tried again when it is due again; Load says why it fails
			}
		}()
	}
	if found.public == nil || time.Since(at) > maxAge {
		k.readAgain(ctx, at)
		found, at, _ = k.known(id)
	}
	switch {
	case time.Since(at) > maxAge:
		return nil, ErrKeys
	case found.public == nil, found.algorithm != "" && found.algorithm != algorithm, !fits(algorithm, found.public):
		return nil, errUnknownKey
	}
	return found.public, nil
}

// known returns a key, when the set was had, and whether to read it again.
func (k *Keys) known(id string) (found key, at time.Time, due bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	// A failure is tried again no oftener than a success.
	return k.set[id], k.at, k.set != nil && time.Since(k.tried) > k.fresh
}

// readAgain reads the keys unless somebody did since, or the limit is reached.
func (k *Keys) readAgain(ctx context.Context, since time.Time) {
	k.reading.Lock()
	defer k.reading.Unlock()
	k.mu.RLock()
	at := k.at
	k.mu.RUnlock()
	if at.After(since) || !k.limit.Allow() {
		return
	}
	// It is for everybody, so a client that goes away does not end it.
	_ = k.load(context.WithoutCancel(ctx)) // the caller sees that the key is not there
}

// parseKeys keeps the public keys of a set that are for signatures. Others are
// passed over: issuers publish keys for more than this.
func parseKeys(b []byte) (map[string]key, error) {
	parsed, err := jwk.Parse(b, jwk.WithIgnoreParseError(true), jwk.WithMaxKeys(maxKeys))
	if err != nil {
		return nil, errors.New("it is no JSON Web Key Set")
	}
	set := map[string]key{}
	for i := range parsed.Len() {
		one, _ := parsed.Key(i)
		id, named := one.KeyID()
		usage, _ := one.KeyUsage()
		var public any
		if !named || id == "" || usage != "" && usage != string(jwk.ForSignature) || !verifies(one) || jwk.Export(one, &public) != nil {
			continue
		}
		switch public.(type) {
		case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		default:
			continue // symmetric, private, or for encryption
		}
		if _, twice := set[id]; twice {
			return nil, errors.New("two keys for signatures have the same kid")
		}
		k := key{public: public}
		if algorithm, ok := one.Algorithm(); ok {
			k.algorithm = algorithm.String()
		}
		set[id] = k
	}
	if len(set) == 0 {
		return nil, errors.New("it has no public key for signatures")
	}
	return set, nil
}

func verifies(one jwk.Key) bool {
	operations, limited := one.KeyOps()
	for _, operation := range operations {
		if operation == jwk.KeyOpVerify {
			return true
		}
	}
	return !limited
}

// fits reports whether a key is one of the algorithm's.
// Source: RFC 7518, 3.3 to 3.5; RFC 8037, 3.1.
func fits(algorithm string, public crypto.PublicKey) bool {
	switch p := public.(type) {
	case *rsa.PublicKey:
		return (algorithm[:2] == "RS" || algorithm[:2] == "PS") && p.N.BitLen() >= 2048 && p.N.BitLen() <= 8192
	case *ecdsa.PublicKey:
		return p.Curve == map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[algorithm]
	case ed25519.PublicKey:
		return algorithm == "EdDSA"
	}
	return false
}
