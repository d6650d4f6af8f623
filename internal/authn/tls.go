package authn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// lookAgain is how often files may be looked at for a change.
const lookAgain = time.Second

// TLSFiles names PEM files.
type TLSFiles struct {
	Cert, Key string
	ClientCA  string // empty: no client certificates
	// Required lets nobody connect without a client certificate.
	Required bool
}

// TLS is a server's side of TLS. Files that change count from the next
// connection on; while they cannot be read, those that were read before do.
type TLS struct {
	files  TLSFiles
	failed func(error) // told once for each change that cannot be taken

	mu      sync.Mutex
	looked  time.Time
	stamps  [3]stamp
	config  *tls.Config
	clients *x509.CertPool
}

// stamp is by what a file that changed is known.
type stamp struct {
	at   time.Time
	size int64
}

// NewTLS reads the files.
func NewTLS(files TLSFiles, failed func(error)) (*TLS, error) {
	t := &TLS{files: files, failed: failed, looked: time.Now(), stamps: files.stamps()}
	if err := t.read(); err != nil {
		return nil, err
	}
	return t, nil
}

// Config is for a listener.
func (t *TLS) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		config, _ := t.current()
		return config, nil
	}}
}

// Client returns the certificate that a client showed, nil if it showed none. It
// is verified again for each request: a connection may outlive the certificate,
// and the authority's place among those that count.
func (t *TLS) Client(state *tls.ConnectionState) (*x509.Certificate, error) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return nil, nil
	}
	_, clients := t.current()
	others := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		others.AddCert(c)
	}
	leaf := state.PeerCertificates[0]
	if clients == nil { // nil would mean the system's
		return leaf, fmt.Errorf("%w: no authority counts", ErrCertificate)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: clients, Intermediates: others, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return leaf, fmt.Errorf("%w: it has expired, or is of no authority that counts", ErrCertificate)
	}
	return leaf, nil
}

func (t *TLS) current() (*tls.Config, *x509.CertPool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.looked) >= lookAgain {
		t.looked = time.Now()
		// Taken before the files are read, so that no change is missed.
		if now := t.files.stamps(); now != t.stamps {
			t.stamps = now
			if err := t.read(); err != nil {
				t.failed(err)
			}
		}
	}
	return t.config, t.clients
}

func (f TLSFiles) stamps() (all [3]stamp) {
	for i, file := range []string{f.Cert, f.Key, f.ClientCA} {
		if info, err := os.Stat(file); err == nil {
			all[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return all
}

// read takes the files, all or none.
func (t *TLS) read() error {
	certificate, err := tls.LoadX509KeyPair(t.files.Cert, t.files.Key)
	if err != nil {
		return fmt.Errorf("read certificate and key: %w", err)
	}
	// HTTP/1.1 alone: it is what streams are made for here. No session is resumed,
	// since that would pass by the authorities of now.
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true}
	var clients *x509.CertPool
	if t.files.ClientCA != "" {
		pem, err := os.ReadFile(t.files.ClientCA)
		if err != nil {
			return fmt.Errorf("read client authorities: %w", err)
		}
		clients = x509.NewCertPool()
		if !clients.AppendCertsFromPEM(pem) {
			return fmt.Errorf("read client authorities: %w", errors.New(t.files.ClientCA+" has no certificate in PEM"))
		}
		config.ClientCAs, config.ClientAuth = clients, tls.VerifyClientCertIfGiven
		if t.files.Required {
			config.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	t.config, t.clients = config, clients
	return nil
}
