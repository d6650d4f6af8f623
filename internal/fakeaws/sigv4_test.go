package fakeaws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

const listClusters = "AmazonEC2ContainerServiceV20141113.ListClusters"

// A signing is one request, signed by the SDK's own signer.
type signing struct {
	key     Key
	token   string
	service string
	region  string
	at      time.Time
	path    string
	header  http.Header
	body    string
}

func (w *world) signing() signing {
	return signing{
		key: w.user, service: "ecs", region: "us-east-1", at: time.Now(), path: "/", body: "{}",
		header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {listClusters}},
	}
}

// asQuery turns it into a GetCallerIdentity in the query protocol.
func (s signing) asQuery() signing {
	s.service, s.body = "sts", "Action=GetCallerIdentity&Version=2011-06-15"
	s.header = http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	return s
}

func (w *world) sign(s signing) *http.Request {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.endpoint+s.path, strings.NewReader(s.body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header = s.header.Clone()
	hash := sha256.Sum256([]byte(s.body))
	c := aws.Credentials{AccessKeyID: s.key.ID, SecretAccessKey: s.key.Secret, SessionToken: s.token}
	if err := v4.NewSigner().SignHTTP(context.Background(), c, r, hex.EncodeToString(hash[:]), s.service, s.region, s.at); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// send returns the status and the body.
func (w *world) send(r *http.Request) (int, string) {
	w.t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestSignaturesOfTheSDKAreAccepted(t *testing.T) {
	w := newWorld(t, Role{})
	for name, change := range map[string]func(*signing){
		"as it is":                    func(*signing) {},
		"with a path that is escaped": func(s *signing) { s.path = "/a%20b/c%2Fd/~" },
		"with a query out of order":   func(s *signing) { s.path = "/?b=2&a=%2F&a=1&c" },
		"with spaces in a header":     func(s *signing) { s.header.Set("X-Amz-Note", "  a   b ") },
		"with a header twice":         func(s *signing) { s.header["X-Amz-Note"] = []string{"a", "b"} },
		"with a payload hash":         func(s *signing) { s.header.Set("X-Amz-Content-Sha256", hexHash([]byte(s.body))) },
		"four minutes old":            func(s *signing) { s.at = s.at.Add(-4 * time.Minute) },
		"four minutes ahead":          func(s *signing) { s.at = s.at.Add(4 * time.Minute) },
		"for another region":          func(s *signing) { s.region = "eu-central-1" },
		"with text that is not ASCII": func(s *signing) { s.body = `{"x":"ä€"}` },
		"after an hour was advanced":  func(*signing) { w.Advance(time.Hour) },
		"in the query protocol":       func(s *signing) { *s = s.asQuery() },
	} {
		t.Run(name, func(t *testing.T) {
			s := w.signing()
			change(&s)
			if status, body := w.send(w.sign(s)); status != http.StatusOK {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

func TestSignaturesThatAreRefused(t *testing.T) {
	w := newWorld(t, Role{})
	session, err := w.assume(allowAll).Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name        string
		before      func(*signing)      // of signing
		after       func(*http.Request) // tampering
		json, query string              // error codes
	}{
		{"no signature", nil, func(r *http.Request) { r.Header.Del("Authorization") },
			"MissingAuthenticationTokenException", "MissingAuthenticationToken"},
		{"two Authorization headers", nil, func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) },
			"IncompleteSignatureException", "IncompleteSignature"},
		{"another scheme", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") },
			"IncompleteSignatureException", "IncompleteSignature"},
		{"no SignedHeaders", nil, replaceAuthorization("SignedHeaders", "Signed"),
			"IncompleteSignatureException", "IncompleteSignature"},
		{"SignedHeaders out of order", nil, replaceAuthorization("SignedHeaders=", "SignedHeaders=z;"),
			"IncompleteSignatureException", "IncompleteSignature"},
		{"an unknown key", func(s *signing) { s.key.ID = "AKIAAAAAAAAAAAAAAAAA" }, nil,
			"UnrecognizedClientException", "InvalidClientTokenId"},
		{"a wrong secret", func(s *signing) { s.key.Secret = "x" }, nil,
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"a token with a user's key", func(s *signing) { s.token = session.SessionToken }, nil,
			"UnrecognizedClientException", "InvalidClientTokenId"},
		{"a session key without its token", func(s *signing) { s.key = Key{session.AccessKeyID, session.SecretAccessKey} }, nil,
			"UnrecognizedClientException", "InvalidClientTokenId"},
		{"another body", nil, func(r *http.Request) { replaceBody(r) },
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"another host", nil, func(r *http.Request) { r.Host = "ecs.us-east-1.amazonaws.com" },
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"another path", nil, func(r *http.Request) { r.URL.Path = "/x" },
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"a query that was added", nil, func(r *http.Request) { r.URL.RawQuery = url.Values{"a": {"b"}}.Encode() },
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"an x-amz header that is not signed", nil, func(r *http.Request) { r.Header.Set("X-Amz-Acl", "private") },
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"a signed header that is gone", func(s *signing) { s.header.Set("X-Amz-Acl", "a") }, func(r *http.Request) { r.Header.Del("X-Amz-Acl") },
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"a false payload hash", func(s *signing) { s.header.Set("X-Amz-Content-Sha256", hexHash(nil)) }, nil,
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"an unsigned payload", func(s *signing) { s.header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, nil,
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"the region of another scope", nil, replaceAuthorization("/us-east-1/", "/us-west-2/"),
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"six minutes old", func(s *signing) { s.at = s.at.Add(-6 * time.Minute) }, nil,
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"six minutes ahead", func(s *signing) { s.at = s.at.Add(6 * time.Minute) }, nil,
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"a later date than was signed", nil, func(r *http.Request) { r.Header.Set("X-Amz-Date", time.Now().Add(time.Minute).UTC().Format(amzLayout)) },
			"InvalidSignatureException", "SignatureDoesNotMatch"},
		{"no date", nil, func(r *http.Request) { r.Header.Set("X-Amz-Date", "now") },
			"IncompleteSignatureException", "IncompleteSignature"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			for want, s := range map[string]signing{tc.json: w.signing(), tc.query: w.signing().asQuery()} {
				if tc.before != nil {
					tc.before(&s)
				}
				r := w.sign(s)
				if tc.after != nil {
					tc.after(r)
				}
				status, body := w.send(r)
				if status < 400 || !strings.Contains(body, want+`"`) && !strings.Contains(body, "<Code>"+want+"</Code>") {
					t.Errorf("%d %s, want %s", status, body, want)
				}
				if last := w.last(); last.Allowed || last.Principal != "" || last.Code != want {
					t.Errorf("record: %+v, want %s", last, want)
				}
			}
		})
	}
}

func TestARefusalSaysWhatToCorrect(t *testing.T) {
	w := newWorld(t, Role{})
	old := w.signing()
	old.at = old.at.Add(-6 * time.Minute)
	now := w.signing()
	for says, r := range map[string]*http.Request{
		"is now earlier than":                     w.sign(old),
		"Date in Credential scope does not match": w.sign(now),
		"'x-amz-acl' must be a signed header":     w.sign(now),
	} {
		switch {
		case strings.HasPrefix(says, "Date"):
			replaceAuthorization(now.at.UTC().Format("/20060102/"), "/20200101/")(r)
		case strings.HasPrefix(says, "'x-amz-acl'"):
			r.Header.Set("X-Amz-Acl", "a")
		}
		if _, body := w.send(r); !strings.Contains(body, says) {
			t.Errorf("%s does not say %q", body, says)
		}
	}
}

func replaceAuthorization(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
	}
}

// replaceBody changes one byte and keeps the length.
func replaceBody(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	body[len(body)-1] = ' '
	r.Body = io.NopCloser(bytes.NewReader(body))
}

// Whatever a client sends in path, query, header and body: what the SDK signs
// is accepted, and the same with another secret is not.
func TestEverySignatureOfTheSDKVerifies(t *testing.T) {
	w := newWorld(t, Role{})
	rapid.Check(t, func(rt *rapid.T) {
		s := w.signing()
		s.path = "/" + strings.ReplaceAll(url.PathEscape(rapid.StringN(0, 8, -1).Draw(rt, "path")), ".", "")
		// The SDK sorts names before it escapes them, so these need no escape.
		name := rapid.StringMatching(`[A-Za-z0-9_.~-]{0,4}`)
		if query := rapid.MapOfN(name, rapid.String(), 0, 3).Draw(rt, "query"); len(query) > 0 {
			values := url.Values{}
			for name, v := range query {
				values.Set(name, v)
			}
			s.path += "?" + values.Encode()
		}
		s.header.Set("X-Amz-Note", rapid.StringMatching(`[!-~]( *[!-~]){0,9}`).Draw(rt, "header"))
		s.body = rapid.String().Draw(rt, "body")
		s.region = rapid.StringMatching(`[a-z]{2}-[a-z]{4,9}-[1-9]`).Draw(rt, "region")
		w.send(w.sign(s))
		if last := w.last(); last.Principal == "" {
			rt.Errorf("refused: %+v", last)
		}
		s.key.Secret += "x"
		w.send(w.sign(s))
		if last := w.last(); last.Principal != "" {
			rt.Errorf("accepted with another secret: %+v", last)
		}
	})
}
