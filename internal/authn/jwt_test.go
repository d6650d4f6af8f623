package authn

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

const (
	theIssuer   = "https://issuer.example"
	theAudience = "https://mcp.example/mcp"
)

var allAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Keys are made once: RSA's take their time.
var (
	rsaKey  = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	weakKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	ec256   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	ec384   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	ec521   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	ed      = sync.OnceValue(func() ed25519.PrivateKey {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return must(private, err)
	})
	stranger = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

// issuer publishes keys.
type issuer struct {
	mu    sync.Mutex
	keys  []map[string]any
	fetch int
	*httptest.Server
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.fetch++
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.keys})
	}))
	t.Cleanup(i.Close)
	return i
}

// publish adds a public key, or whatever is given.
func (i *issuer) publish(id string, public any, more map[string]any) *issuer {
	i.mu.Lock()
	defer i.mu.Unlock()
	member := map[string]any{"kid": id}
	_ = json.Unmarshal(must(json.Marshal(must(jwk.Import(public)))), &member)
	maps.Copy(member, more)
	i.keys = append(i.keys, member)
	return i
}

func (i *issuer) withdraw() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = nil
}

func (i *issuer) fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetch
}

// good are the claims of a token that is taken.
func good() jwt.MapClaims {
	now := time.Now()
	return jwt.MapClaims{"iss": theIssuer, "aud": theAudience, "sub": "alice", "team": "web", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix()}
}

func sign(algorithm, id string, key any, claims jwt.MapClaims, header map[string]any) string {
	token := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), claims)
	token.Header["kid"] = id
	maps.Copy(token.Header, header)
	return must(token.SignedString(key))
}

func verifier(keys *Keys) *Verifier {
	return NewVerifier(Rules{Issuer: theIssuer, Audience: theAudience, Algorithms: allAlgorithms, ID: "sub", Tags: map[string]string{"team": "team"}}, keys)
}

func TestATokenOfEachAlgorithmMakesAPrincipal(t *testing.T) {
	i := newIssuer(t).publish("rsa", &rsaKey().PublicKey, map[string]any{"use": "sig"}).publish("256", &ec256().PublicKey, map[string]any{"alg": "ES256"}).
		publish("384", &ec384().PublicKey, map[string]any{"key_ops": []string{"verify"}}).publish("521", &ec521().PublicKey, nil).publish("ed", ed().Public(), nil)
	// Issuers publish more than what is read here.
	i.keys = append(i.keys, map[string]any{"kty": "AKP", "kid": "later", "pub": "AA"}, map[string]any{"kty": "oct", "kid": "shared", "k": "c2VjcmV0"})
	v := verifier(KeysAt(i.URL))
	for _, c := range []struct {
		algorithm, id string
		key           any
	}{{"RS256", "rsa", rsaKey()}, {"RS384", "rsa", rsaKey()}, {"RS512", "rsa", rsaKey()}, {"PS256", "rsa", rsaKey()}, {"PS384", "rsa", rsaKey()}, {"PS512", "rsa", rsaKey()},
		{"ES256", "256", ec256()}, {"ES384", "384", ec384()}, {"ES512", "521", ec521()}, {"EdDSA", "ed", ed()}} {
		id, tags, err := v.Verify(t.Context(), sign(c.algorithm, c.id, c.key, good(), nil))
		if err != nil || id != "alice" || tags["team"] != "web" || len(tags) != 1 {
			t.Errorf("%s: %s %v %v", c.algorithm, id, tags, err)
		}
	}
	if n := i.fetches(); n != 1 {
		t.Errorf("the keys were read %d times", n)
	}
}

func TestATokenIsRefused(t *testing.T) {
	i := newIssuer(t).publish("rsa", &rsaKey().PublicKey, nil).publish("256", &ec256().PublicKey, nil).publish("384", &ec384().PublicKey, nil).
		publish("only RS256", &rsaKey().PublicKey, map[string]any{"alg": "RS256"}).publish("weak", &rsaKey().PublicKey, map[string]any{"n": base64.RawURLEncoding.EncodeToString(weakKey().N.Bytes())}).
		publish("for encryption", &ec256().PublicKey, map[string]any{"use": "enc"}).publish("for signing", &ec256().PublicKey, map[string]any{"key_ops": []string{"sign"}}).
		publish("private", ec256(), nil).publish("shared", []byte("0123456789abcdef0123456789abcdef"), nil)
	v := verifier(KeysAt(i.URL))
	good256 := sign("ES256", "256", ec256(), good(), nil)
	with := func(name string, value any) string {
		c := good()
		c[name] = value
		if value == nil {
			delete(c, name)
		}
		return sign("ES256", "256", ec256(), c, nil)
	}
	head := func(name string, value any) string {
		return sign("ES256", "256", ec256(), good(), map[string]any{name: value})
	}
	der := must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	part := strings.Split(good256, ".")
	raw := func(header, claims string) string { // well signed, whatever it says
		text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
		return text + "." + base64.RawURLEncoding.EncodeToString(must(jwt.SigningMethodES256.Sign(text, ec256())))
	}
	theHeader, theClaims := `{"alg":"ES256","kid":"256"}`, string(must(json.Marshal(good())))
	if _, _, err := v.Verify(t.Context(), raw(theHeader, theClaims)); err != nil {
		t.Fatalf("what the others differ from is refused: %v", err)
	}
	for name, c := range map[string]struct{ token, why string }{
		"none":                               {sign("none", "256", jwt.UnsafeAllowNoneSignatureType, good(), nil), "algorithm"},
		"none, in capitals":                  {raw(`{"alg":"NONE","kid":"256"}`, theClaims), "algorithm"},
		"HMAC with the public key as PEM":    {sign("HS256", "rsa", public, good(), nil), "algorithm"},
		"HMAC with the public key as DER":    {sign("HS256", "rsa", der, good(), nil), "algorithm"},
		"HMAC with a shared key it has":      {sign("HS256", "shared", []byte("0123456789abcdef0123456789abcdef"), good(), nil), "algorithm"},
		"another's key under a known id":     {sign("ES256", "256", stranger(), good(), nil), "signature"},
		"another's key":                      {sign("ES256", "?", stranger(), good(), nil), "publish"},
		"no key id":                          {sign("ES256", "", ec256(), good(), nil), "kid"},
		"a key id that is a number":          {head("kid", 256), "header"},
		"an embedded key":                    {head("jwk", must(jwk.Import(&stranger().PublicKey))), "key of its own"},
		"an address of keys":                 {head("jku", "https://mallory.example"), "key of its own"},
		"an address of a certificate":        {head("x5u", "https://mallory.example"), "key of its own"},
		"a certificate":                      {head("x5c", []string{"AA"}), "key of its own"},
		"critical extensions":                {head("crit", []string{"b64"}), "crit"},
		"another type":                       {head("typ", "dpop+jwt"), "type"},
		"a curve that is not the algorithm":  {sign("ES384", "384", ec384(), good(), map[string]any{"kid": "256"}), "publish"},
		"an algorithm that is not the key's": {sign("PS256", "only RS256", rsaKey(), good(), nil), "publish"},
		"a weak key":                         {sign("RS256", "weak", weakKey(), good(), nil), "publish"},
		"a key for encryption":               {sign("ES256", "for encryption", ec256(), good(), nil), "publish"},
		"a key not for verifying":            {sign("ES256", "for signing", ec256(), good(), nil), "publish"},
		"a key whose private half is out":    {sign("ES256", "private", ec256(), good(), nil), "publish"},
		"another audience":                   {with("aud", "https://other.example"), "another service"},
		"other audiences":                    {with("aud", []string{"a", "b"}), "another service"},
		"an audience that begins alike":      {with("aud", theAudience+"/x"), "another service"},
		"no audience":                        {with("aud", nil), "lacks"},
		"another issuer":                     {with("iss", theIssuer+"/"), "issuer"},
		"no issuer":                          {with("iss", nil), "lacks"},
		"an issuer that is a list":           {with("iss", []string{theIssuer}), "cannot be verified"},
		"no end":                             {with("exp", nil), "lacks"},
		"an end that is text":                {with("exp", "tomorrow"), "cannot be verified"},
		"its end is over":                    {with("exp", time.Now().Add(-time.Minute).Unix()), "expired"},
		"its time is to come":                {with("nbf", time.Now().Add(time.Minute).Unix()), "not in force"},
		"it is from the future":              {with("iat", time.Now().Add(time.Minute).Unix()), "not in force"},
		"no id":                              {with("sub", nil), "sub"},
		"an empty id":                        {with("sub", ""), "sub"},
		"an id that is a number":             {with("sub", 7), "sub"},
		"an id with a line break":            {with("sub", "alice\nroot"), "sub"},
		"an id with spaces around":           {with("sub", " alice"), "sub"},
		"an id that turns the line around":   {with("sub", "alice\u202e"), "sub"},
		"a long id":                          {with("sub", strings.Repeat("a", 257)), "sub"},
		"a tag's claim is not there":         {with("team", nil), "team"},
		"a tag's claim is a list":            {with("team", []string{"web"}), "team"},
		"a claim twice":                      {raw(theHeader, `{"sub":"root",`+theClaims[1:]), "claims"},
		"a header twice":                     {raw(`{"alg":"none",`+theHeader[1:], theClaims), "header"},
		"claims that are a list":             {raw(theHeader, `[]`), "claims"},
		"claims that are null":               {raw(theHeader, `null`), "lacks"},
		"claims with more after them":        {raw(theHeader, theClaims+`{}`), "claims"},
		"other claims under the signature":   {part[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(theClaims, "alice", "root", 1))) + "." + part[2], "signature"},
		"no signature":                       {part[0] + "." + part[1] + ".", "signature"},
		"no third part":                      {part[0] + "." + part[1], "no JSON Web Token"},
		"a fourth part":                      {good256 + ".AA", "no JSON Web Token"},
		"encrypted, five parts":              {good256 + ".AA.AA", "no JSON Web Token"},
		"padding":                            {part[0] + "=." + part[1] + "." + part[2], "no JSON Web Token"},
		"nothing":                            {"", "header"},
		"too long":                           {strings.Repeat("a", maxToken+1), "longer"},
	} {
		id, tags, err := v.Verify(t.Context(), c.token)
		if !errors.Is(err, ErrToken) || !strings.Contains(err.Error(), c.why) || id != "" || tags != nil {
			t.Errorf("%s: %q %v %v", name, id, tags, err)
		}
	}
	if n := i.fetches(); n > 5 {
		t.Errorf("the keys were read %d times", n)
	}
}

func TestWithoutAudienceOrIssuerNothingIsTaken(t *testing.T) {
	i := newIssuer(t).publish("256", &ec256().PublicKey, nil)
	for _, rules := range []Rules{{Issuer: theIssuer}, {Audience: theAudience}, {}} {
		rules.Algorithms, rules.ID = allAlgorithms, "sub"
		if id, _, err := NewVerifier(rules, KeysAt(i.URL)).Verify(t.Context(), sign("ES256", "256", ec256(), good(), nil)); err == nil || id != "" {
			t.Errorf("%+v: %s is taken", rules, id)
		}
	}
	if _, _, err := NewVerifier(Rules{Issuer: theIssuer, Audience: theAudience, ID: "sub"}, KeysAt(i.URL)).Verify(t.Context(), sign("ES256", "256", ec256(), good(), nil)); err == nil {
		t.Error("without algorithms one is taken")
	}
}

func TestANewKeyCountsAtOnceAndAWithdrawnOneEnds(t *testing.T) {
	i := newIssuer(t).publish("old", &ec256().PublicKey, nil)
	keys := KeysAt(i.URL)
	v := verifier(keys)
	old, next := sign("ES256", "old", ec256(), good(), nil), sign("ES384", "new", ec384(), good(), nil)
	if _, _, err := v.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.Verify(t.Context(), next); !errors.Is(err, ErrToken) {
		t.Errorf("a key that is not published: %v", err)
	}
	i.withdraw()
	i.publish("new", &ec384().PublicKey, nil)
	if _, _, err := v.Verify(t.Context(), next); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if _, _, err := v.Verify(t.Context(), old); !errors.Is(err, ErrToken) {
		t.Errorf("the withdrawn key: %v", err)
	}
}

func TestKeysThatAreOldAreReadAgainWithoutAskingForThem(t *testing.T) {
	i := newIssuer(t).publish("old", &ec256().PublicKey, nil)
	keys := KeysAt(i.URL)
	keys.fresh = 0
	v := verifier(keys)
	old := sign("ES256", "old", ec256(), good(), nil)
	if _, _, err := v.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	i.withdraw()
	i.publish("new", &ec384().PublicKey, nil)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, _, err := v.Verify(t.Context(), old); errors.Is(err, ErrToken) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the withdrawn key still counts")
		}
	}
}

func TestUnknownKeysDoNotFloodTheIssuer(t *testing.T) {
	i := newIssuer(t).publish("256", &ec256().PublicKey, nil)
	v := verifier(KeysAt(i.URL))
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			_, _, _ = v.Verify(context.Background(), sign("ES256", fmt.Sprint("unknown", n), stranger(), good(), nil))
		})
	}
	all.Wait()
	if n := i.fetches(); n > 4 {
		t.Errorf("the keys were read %d times", n)
	}
	if _, _, err := v.Verify(t.Context(), sign("ES256", "256", ec256(), good(), nil)); err != nil {
		t.Errorf("a good token after the flood: %v", err)
	}
}

func TestKeysThatCannotBeHadAreNoFaultOfTheToken(t *testing.T) {
	i := newIssuer(t).publish("256", &ec256().PublicKey, nil)
	redirect := httptest.NewServer(http.RedirectHandler(i.URL, http.StatusFound))
	defer redirect.Close()
	long := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(append([]byte(`{"keys":[]`), bytes.Repeat([]byte(" "), maxKeySet)...))
	}))
	defer long.Close()
	for name, answer := range map[string]string{"a redirect": redirect.URL, "a long answer": long.URL, "nobody": "http://127.0.0.1:1", "no keys": newIssuer(t).URL} {
		keys := KeysAt(answer)
		if err := keys.Load(t.Context()); !errors.Is(err, ErrKeys) {
			t.Errorf("%s: loaded: %v", name, err)
		}
		if _, _, err := verifier(keys).Verify(t.Context(), sign("ES256", "256", ec256(), good(), nil)); !errors.Is(err, ErrKeys) || errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysAreKeptForAnHourWhenTheIssuerIsAway(t *testing.T) {
	i := newIssuer(t).publish("256", &ec256().PublicKey, nil)
	keys := KeysAt(i.URL)
	v, token := verifier(keys), sign("ES256", "256", ec256(), good(), nil)
	if _, _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	i.Close()
	age := func(by time.Duration) {
		keys.mu.Lock()
		defer keys.mu.Unlock()
		keys.at, keys.tried = time.Now().Add(-by), time.Now().Add(-by)
	}
	age(maxAge - time.Minute)
	if _, _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("within the hour: %v", err)
	}
	age(maxAge + time.Minute)
	if _, _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrKeys) {
		t.Errorf("after it: %v", err)
	}
}

func TestKeysInAFile(t *testing.T) {
	i := newIssuer(t).publish("256", &ec256().PublicKey, nil)
	file := filepath.Join(t.TempDir(), "keys.json")
	write := func() {
		if err := os.WriteFile(file, must(json.Marshal(map[string]any{"keys": i.keys})), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	v := verifier(KeysIn(file))
	if _, _, err := v.Verify(t.Context(), sign("ES256", "256", ec256(), good(), nil)); err != nil {
		t.Error(err)
	}
	i.publish("384", &ec384().PublicKey, nil)
	write()
	if _, _, err := v.Verify(t.Context(), sign("ES384", "384", ec384(), good(), nil)); err != nil {
		t.Errorf("the new key: %v", err)
	}
}

func TestAKeySetWithTwoReadingsIsNotTaken(t *testing.T) {
	one := newIssuer(t).publish("a", &ec256().PublicKey, nil).publish("a", &stranger().PublicKey, nil)
	if _, err := parseKeys(must(json.Marshal(map[string]any{"keys": one.keys}))); err == nil {
		t.Error("two keys of one id are taken")
	}
}

// FuzzVerify: whatever is sent, nobody comes in but by the signature of the key,
// and no error repeats what was sent.
func FuzzVerify(f *testing.F) {
	set := map[string]key{"256": {public: &ec256().PublicKey}}
	keys := &Keys{set: set, at: time.Now(), tried: time.Now(), fresh: time.Hour, limit: KeysAt("").limit,
		read: func(context.Context) ([]byte, error) { return nil, errors.New("away") }}
	v := verifier(keys)
	f.Add([]byte(`{"alg":"ES256","kid":"256"}`), must(json.Marshal(good())), true)
	f.Add([]byte(`{"alg":"none","kid":"256"}`), []byte(`{"sub":"CANARY-CANARY"}`), true)
	f.Add([]byte(`{"alg":"HS256","kid":"256","jwk":{}}`), []byte(`{"sub":"a","sub":"b"}`), false)
	f.Add([]byte(`{"alg":"ES256","kid":"256"}`), []byte(`null`), true)
	f.Add([]byte(`{"alg":"ES256","kid":"256"}`), []byte(`{"exp":1e300,"aud":[1]}`), true)
	f.Fuzz(func(t *testing.T, header, claims []byte, signed bool) {
		text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
		var by crypto.PrivateKey = stranger()
		if signed {
			by = ec256()
		}
		token := text + "." + base64.RawURLEncoding.EncodeToString(must(jwt.SigningMethodES256.Sign(text, by)))
		for _, sent := range []string{token, string(header), text + "." + string(claims)} {
			id, _, err := v.Verify(t.Context(), sent)
			if err == nil && (!signed || sent != token || id == "" || !json.Valid(claims)) {
				t.Errorf("%q came in as %q", sent, id)
			}
			if err != nil && len(sent) > 12 && strings.Contains(err.Error(), sent) {
				t.Errorf("the error repeats the token: %v", err)
			}
		}
	})
}

// FuzzParseKeys: whatever an issuer publishes, only public keys for signatures count.
func FuzzParseKeys(f *testing.F) {
	public := must(json.Marshal(must(jwk.Import(&ec256().PublicKey))))
	private := must(json.Marshal(must(jwk.Import(ec256()))))
	f.Add([]byte(`{"keys":[` + strings.Replace(string(public), "{", `{"kid":"a",`, 1) + `]}`))
	f.Add([]byte(`{"keys":[` + strings.Replace(string(private), "{", `{"kid":"a",`, 1) + `]}`))
	f.Add([]byte(`{"keys":[{"kty":"oct","kid":"a","k":"AAAA"},{"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB","use":"enc"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := parseKeys(b)
		if (err == nil) != (len(set) > 0) {
			t.Errorf("%d keys, %v", len(set), err)
		}
		for id, k := range set {
			fitting := 0
			for _, algorithm := range append(allAlgorithms, "HS256", "none", "") {
				if len(algorithm) > 1 && fits(algorithm, k.public) {
					fitting++
				}
			}
			if id == "" || fitting > 6 || fits("HS256", k.public) || fits("none", k.public) {
				t.Errorf("%q: %T fits %d algorithms", id, k.public, fitting)
			}
		}
	})
}
