package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Profile is the name under which ServeAccount writes the keys of the account's user.
const Profile = "demo"

// ErrAddress is an address that ServeAccount does not take.
var ErrAddress = errors.New("not a loopback address")

// ServeAccount serves the demo's AWS account on a loopback address until the
// context ends, for a proxy that a person starts. The keys of the proxy's user
// are written to a shared credentials file, mode 0600, which goes at the end;
// each request that AWS decides is one line on out.
func ServeAccount(ctx context.Context, address, credentials string, out io.Writer) error {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil || !at.IP.IsLoopback() {
		return fmt.Errorf("%w: %s: name one such as 127.0.0.1:4566", ErrAddress, address)
	}
	w, err := newAccount()
	if err != nil {
		return err
	}
	listener, err := net.ListenTCP("tcp", at)
	if err != nil {
		return fmt.Errorf("serve the demo's AWS account: %w; name another address with --listen, and give it to init as --endpoint", err)
	}
	defer listener.Close()
	keys := fmt.Sprintf("[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", Profile, w.key.ID, w.key.Secret)
	file, err := os.OpenFile(credentials, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the keys of the demo's AWS account (a file that exists is left alone): %w", err)
	}
	defer os.Remove(credentials)
	_, err = io.WriteString(file, keys)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write the keys of the demo's AWS account: %w", err)
	}
	fmt.Fprintf(out, "AWS in memory at http://%s until you stop it; profile %s in %s\n", listener.Addr(), Profile, credentials)

	observed := observer{world: w}
	var mu sync.Mutex
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.aws.Handler().ServeHTTP(rw, r)
		mu.Lock()
		defer mu.Unlock()
		for _, seen := range observed.seen() {
			said := "denied: " + seen.Reason
			if seen.Allowed {
				said = "allowed"
			}
			fmt.Fprintf(out, "AWS saw %s by %s, %s\n", seen.Action, cmp.Or(seen.Session, "the proxy itself"), said)
		}
	})}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the demo's AWS account: %w", err)
	}
	return nil
}
