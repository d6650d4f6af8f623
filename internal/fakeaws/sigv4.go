package fakeaws

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxSkew is how far a signature's date may be from the clock.
// Source: IAM User Guide, "Troubleshoot Signature Version 4 requests".
const maxSkew = 5 * time.Minute

const (
	algorithm  = "AWS4-HMAC-SHA256"
	amzLayout  = "20060102T150405Z"
	terminator = "aws4_request"
)

// An authorization is the Authorization header of AWS Signature Version 4.
// Source: IAM User Guide, "Create a signed AWS API request".
type authorization struct {
	keyID, date, region, service string
	headers                      []string
	signature                    string
}

var (
	credentialPattern = regexp.MustCompile(`^([A-Za-z0-9]{16,128})/([0-9]{8})/([a-z0-9-]{1,64})/([a-z0-9-]{1,64})/aws4_request$`)
	hexPattern        = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// parseAuthorization reads the header; exactly one is needed.
func parseAuthorization(h http.Header) (authorization, *fault) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return authorization{}, missingToken()
	}
	body, ok := strings.CutPrefix(values[0], algorithm+" ")
	if !ok || len(values) > 1 {
		return authorization{}, incompleteSignature("Authorization header is not one " + algorithm)
	}
	fields := map[string]string{}
	for _, field := range strings.Split(body, ",") {
		name, v, ok := strings.Cut(strings.TrimSpace(field), "=")
		if _, twice := fields[name]; !ok || twice {
			return authorization{}, incompleteSignature("Authorization header has a field without a value or twice")
		}
		fields[name] = v
	}
	credential := credentialPattern.FindStringSubmatch(fields["Credential"])
	if len(fields) != 3 || credential == nil || fields["SignedHeaders"] == "" || !hexPattern.MatchString(fields["Signature"]) {
		return authorization{}, incompleteSignature("Authorization header needs Credential, SignedHeaders and Signature")
	}
	headers := strings.Split(fields["SignedHeaders"], ";")
	if !slices.IsSorted(headers) || len(slices.Compact(slices.Clone(headers))) != len(headers) ||
		fields["SignedHeaders"] != strings.ToLower(fields["SignedHeaders"]) {
		return authorization{}, incompleteSignature("SignedHeaders is not sorted, in lower case and without repetition")
	}
	return authorization{credential[1], credential[2], credential[3], credential[4], headers, fields["Signature"]}, nil
}

// verify checks that r, with this body, was signed with secret at about now.
func (z authorization) verify(r *http.Request, body []byte, secret string, now time.Time) *fault {
	if err := z.coversEnough(r.Header); err != nil {
		return badSignature(err.Error())
	}
	signedAt, err := time.Parse(amzLayout, r.Header.Get("X-Amz-Date"))
	if err != nil {
		return incompleteSignature("Date must be in ISO-8601 'basic format' in X-Amz-Date")
	}
	if signedAt.Format("20060102") != z.date {
		return badSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	}
	switch age := now.Sub(signedAt); {
	case age > maxSkew:
		return badSignature(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)",
			signedAt.Format(amzLayout), now.UTC().Add(-maxSkew).Format(amzLayout), now.UTC().Format(amzLayout)))
	case age < -maxSkew:
		return badSignature(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			signedAt.Format(amzLayout), now.UTC().Add(maxSkew).Format(amzLayout), now.UTC().Format(amzLayout)))
	}
	canonical, err := z.canonicalRequest(r, body)
	if err != nil {
		return badSignature(err.Error())
	}
	scope := strings.Join([]string{z.date, z.region, z.service, terminator}, "/")
	toSign := strings.Join([]string{algorithm, signedAt.Format(amzLayout), scope, hexHash([]byte(canonical))}, "\n")
	key := []byte("AWS4" + secret)
	for _, step := range []string{z.date, z.region, z.service, terminator, toSign} {
		key = mac(key, step)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(key)), []byte(z.signature)) {
		return badSignature("The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

// coversEnough demands that the host and every x-amz header be signed, and the
// content type if there is one.
func (z authorization) coversEnough(h http.Header) error {
	need := []string{"host"}
	for name := range h {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") || name == "content-type" {
			need = append(need, name)
		}
	}
	for _, name := range need {
		if !slices.Contains(z.headers, name) {
			return fmt.Errorf("'%s' must be a signed header", name)
		}
	}
	return nil
}

func (z authorization) canonicalRequest(r *http.Request, body []byte) (string, error) {
	path, query, err := canonicalTarget(r.RequestURI)
	if err != nil {
		return "", err
	}
	hash := hexHash(body)
	if claimed := r.Header.Values("X-Amz-Content-Sha256"); len(claimed) > 1 || len(claimed) == 1 && claimed[0] != hash {
		return "", errors.New("the provided x-amz-content-sha256 header does not match what was computed")
	}
	var headers strings.Builder
	for _, name := range z.headers {
		values := slices.Clone(r.Header.Values(name))
		switch name { // net/http takes these out of the header
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		if len(values) == 0 {
			return "", fmt.Errorf("the signed header %q is missing", name)
		}
		for i := range values {
			values[i] = strings.Join(strings.Fields(values[i]), " ")
		}
		headers.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return strings.Join([]string{r.Method, path, query, headers.String(), strings.Join(z.headers, ";"), hash}, "\n"), nil
}

// canonicalTarget encodes path and query of the request line: path segments a
// second time, query names and values once, sorted.
func canonicalTarget(target string) (path, query string, err error) {
	path, query, _ = strings.Cut(target, "?")
	if !strings.HasPrefix(path, "/") {
		return "", "", errors.New("the request target is not a path")
	}
	segments := strings.Split(path, "/")
	for i := range segments {
		segments[i] = encode(segments[i])
	}
	var pairs [][2]string
	for _, pair := range strings.Split(query, "&") {
		if pair == "" {
			continue
		}
		name, v, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(name)
		v, errValue := url.QueryUnescape(v)
		if err := errors.Join(errName, errValue); err != nil {
			return "", "", errors.New("the query string cannot be read")
		}
		pairs = append(pairs, [2]string{encode(name), encode(v)})
	}
	slices.SortFunc(pairs, func(x, y [2]string) int {
		return cmp.Or(strings.Compare(x[0], y[0]), strings.Compare(x[1], y[1]))
	})
	var sorted []string
	for _, pair := range pairs {
		sorted = append(sorted, pair[0]+"="+pair[1])
	}
	return strings.Join(segments, "/"), strings.Join(sorted, "&"), nil
}

// encode escapes all but RFC 3986's unreserved characters.
func encode(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
