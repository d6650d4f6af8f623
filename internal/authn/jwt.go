package authn

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

// ErrToken is the class of every token that is not taken. Its errors say why,
// and nothing of what the token holds.
var ErrToken = errors.New("the token is not taken")

// The bounds of a token.
const (
	maxToken = 16 << 10
	maxID    = 256 // characters
	skew     = 30 * time.Second
)

// Rules say which tokens are taken and what of them makes a principal.
type Rules struct {
	Issuer     string
	Audience   string
	Algorithms []string
	ID         string            // the claim that is the principal's id
	Tags       map[string]string // claims by tag
}

// Verifier verifies JSON Web Tokens (RFC 7519) in compact form.
type Verifier struct {
	rules  Rules
	keys   *Keys
	parser *jwt.Parser
}

// NewVerifier returns a verifier of tokens that are signed with one of keys.
func NewVerifier(rules Rules, keys *Keys) *Verifier {
	return &Verifier{rules: rules, keys: keys, parser: jwt.NewParser(jwt.WithValidMethods(rules.Algorithms), jwt.WithStrictDecoding(),
		jwt.WithIssuer(rules.Issuer), jwt.WithAudience(rules.Audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(skew))}
}

// Verify returns the id and the tags of a token's principal. Its error is of
// class ErrToken, or ErrKeys if no token can be checked now.
func (v *Verifier) Verify(ctx context.Context, token string) (id string, tags map[string]string, err error) {
	if len(token) > maxToken {
		return "", nil, fmt.Errorf("%w: it is longer than %d bytes", ErrToken, maxToken)
	}
	h, err := readHeader(token)
	if err != nil {
		return "", nil, err
	}
	if !slices.Contains(v.rules.Algorithms, h.Algorithm) {
		return "", nil, fmt.Errorf("%w: it is signed by an algorithm that is not in listen.auth.jwt.algorithms", ErrToken)
	}
	var c claims
	_, err = v.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return v.keys.find(ctx, h.KeyID, h.Algorithm) })
	if err != nil {
		return "", nil, reason(err)
	}
	// An empty audience or issuer would turn the library's check of it off.
	if v.rules.Issuer == "" || v.rules.Audience == "" {
		return "", nil, fmt.Errorf("%w: no issuer and audience are configured", ErrToken)
	}
	if id, err = c.text(v.rules.ID); err != nil {
		return "", nil, err
	}
	if len(v.rules.Tags) > 0 {
		tags = make(map[string]string, len(v.rules.Tags))
	}
	for tag, claim := range v.rules.Tags {
		if tags[tag], err = c.text(claim); err != nil {
			return "", nil, err
		}
	}
	return id, tags, nil
}

// header is what is read of a token's header. That a key is found in it, or by
// an address in it, is for the sender to say and not to be believed.
// Source: RFC 8725, best current practices, 3.1, 3.10, 3.11.
type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
	Critical  any    `json:"crit"`
	Key       any    `json:"jwk"`
	KeysURL   any    `json:"jku"`
	CertURL   any    `json:"x5u"`
	Certs     any    `json:"x5c"`
}

func readHeader(token string) (h header, err error) {
	first, _, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.Strict().DecodeString(first)
	if err != nil {
		return h, fmt.Errorf("%w: it is no JSON Web Token", ErrToken)
	}
	if err := json.Unmarshal(b, &h); err != nil { // a name that is there twice is an error
		return h, fmt.Errorf("%w: its header cannot be read", ErrToken)
	}
	switch strings.ToLower(strings.TrimPrefix(strings.ToLower(h.Type), "application/")) {
	case "", "jwt", "at+jwt":
	default: // such as secevent+jwt, or a proof of possession
		return h, fmt.Errorf("%w: its type is neither JWT nor at+jwt", ErrToken)
	}
	switch {
	case h.Critical != nil:
		return h, fmt.Errorf("%w: its header has extensions that must be understood (crit), and are not", ErrToken)
	case h.Key != nil, h.KeysURL != nil, h.CertURL != nil, h.Certs != nil:
		return h, fmt.Errorf("%w: its header brings a key of its own (jwk, jku, x5u or x5c); keys come from the issuer alone", ErrToken)
	case h.KeyID == "" || len(h.KeyID) > maxID:
		return h, fmt.Errorf("%w: it does not name its key (kid)", ErrToken)
	}
	return h, nil
}

// claims are a token's claims, each of which is there once.
type claims struct{ jwt.MapClaims }

// UnmarshalJSON refuses what has two readings.
func (c *claims) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, (*map[string]any)(&c.MapClaims))
}

// text returns a claim that names somebody or something.
func (c *claims) text(name string) (string, error) {
	s, ok := c.MapClaims[name].(string)
	switch {
	case !ok || s == "":
		return "", fmt.Errorf("%w: its claim %s is not there, or no text", ErrToken, name)
	case !visible(s):
		return "", fmt.Errorf("%w: its claim %s is longer than %d characters, or has some that cannot be seen", ErrToken, name, maxID)
	}
	return s, nil
}

// reason says in the proxy's own words why the library refused a token; the
// library's can hold some of it.
func reason(err error) error {
	if errors.Is(err, ErrKeys) {
		return fmt.Errorf("%w: the issuer's keys cannot be had now", ErrKeys)
	}
	for _, known := range []struct {
		is  error
		why string
	}{
		{errUnknownKey, "it is signed with a key that its issuer does not publish for that"},
		{jwt.ErrTokenMalformed, "it is no JSON Web Token, or its claims cannot be read"},
		{jwt.ErrTokenSignatureInvalid, "its signature is wrong"},
		{jwt.ErrTokenRequiredClaimMissing, "it lacks one of exp, iss and aud"},
		{jwt.ErrTokenExpired, "it has expired"},
		{jwt.ErrTokenInvalidIssuer, "it is of another issuer"},
		{jwt.ErrTokenInvalidAudience, "it was made for another service; ask for one with this proxy as audience"},
		{jwt.ErrTokenNotValidYet, "it is not in force yet"},
		{jwt.ErrTokenUsedBeforeIssued, "it is not in force yet"},
	} {
		if errors.Is(err, known.is) {
			return fmt.Errorf("%w: %s", ErrToken, known.why)
		}
	}
	return fmt.Errorf("%w: it cannot be verified", ErrToken)
}
