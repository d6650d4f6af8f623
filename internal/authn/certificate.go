package authn

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrCertificate is the class of every client certificate that is not taken.
var ErrCertificate = errors.New("the certificate is not taken")

// CertificateID is the id of whom a verified certificate names: its first URI
// (subject alternative name), or its first DNS name if it has no URI, or the
// subject's common name if it has neither. One of another kind never stands in
// for the first that is there.
func CertificateID(c *x509.Certificate) (string, error) {
	id := c.Subject.CommonName
	switch {
	case len(c.URIs) > 0:
		id = c.URIs[0].String()
	case len(c.DNSNames) > 0:
		id = c.DNSNames[0]
	case strings.Contains(id, "://"): // nobody's common name is another's URI
		return "", fmt.Errorf("%w: its common name is a URI; put it into the certificate as an alternative name", ErrCertificate)
	}
	if id == "" {
		return "", fmt.Errorf("%w: it names nobody: neither a URI nor a DNS name nor a common name", ErrCertificate)
	}
	if !visible(id) {
		return "", fmt.Errorf("%w: its name is longer than %d characters, or has some that cannot be seen", ErrCertificate, maxID)
	}
	return id, nil
}

// visible reports whether a name is short and all of it can be seen: it goes to
// records and to AWS.
func visible(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxID && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
