package grant

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
)

// sidecarPath is where an endpoint of a configured address answers. It is no
// secret: the token in the file is.
const sidecarPath = "/credentials"

// ErrTokenFile is the class of a token file that cannot be trusted or written.
var ErrTokenFile = errors.New("credential token file")

// ListenAt opens an endpoint for a server that the proxy does not start, on a
// configured loopback address ("127.0.0.1:9911"). The token is new each time
// and is written to a file that only this user can read, in a directory that
// exists; Close removes it. The server runs as the same user and is given what
// Environ says: the file is read again at each request by every SDK that was
// tried, so it need not be restarted with the proxy.
func ListenAt(address, file string) (*Endpoint, error) { return ListenForGroup(address, file, noGroup) }

// noGroup leaves the token to its owner.
const noGroup = 0

// ListenForGroup is ListenAt for a server that runs as another user: the group,
// one of the proxy's own, may read the token too.
func ListenForGroup(address, file string, group int) (*Endpoint, error) {
	at, err := loopback(address)
	if err != nil {
		return nil, err
	}
	// Before the file: a second proxy on the address must not spoil the first's.
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("open credential endpoint: %w", err)
	}
	token := newToken()
	f, err := writeToken(file, token, group)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return open(l, &Endpoint{path: sidecarPath, token: hide(token), file: f}), nil
}

// loopback reads an address that only this machine can reach. A name will not
// do: what it stands for is decided elsewhere.
func loopback(address string) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(address)
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	if err != nil || !at.Addr().IsLoopback() || at.Addr().Zone() != "" || at.Port() == 0 {
		return at, fmt.Errorf("open credential endpoint: %q is not a loopback address with a port; write it like 127.0.0.1:9911", address)
	}
	return at, nil
}

// tokenFile is a file that was written. It stays open, so that its identity is
// not given to another.
type tokenFile struct {
	path string
	file *os.File
}

// writeToken puts the token in place whole or not at all, and replaces only
// what an earlier start can have left there. There is no newline at its end:
// botocore refuses such a token and others would send it.
func writeToken(path, token string, group int) (_ *tokenFile, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrTokenFile, err)
		}
	}()
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if err := replaceable(path, os.Geteuid(), group); err != nil {
		return nil, err
	}
	// A rename, so that no link that is put there meanwhile is followed, and
	// nobody reads half a token.
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text())
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.WriteString(token); err == nil && group != noGroup {
		err = errors.Join(f.Chown(-1, group), f.Chmod(0o640))
	}
	if err == nil {
		err = os.Rename(name, path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	return &tokenFile{path: path, file: f}, nil
}

// replaceable says whether path is free, or holds a private file of the user,
// or of the user and the group that is to read it.
func replaceable(path string, user, group int) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	owner, ok := ownerOf(info)
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file; name another or remove it", path)
	case !ok || owner.user != user:
		return fmt.Errorf("%s belongs to another user; name another or remove it", path)
	case owner.modes && info.Mode().Perm()&0o077 != 0 && !(group != noGroup && info.Mode().Perm() == 0o640 && owner.group == group):
		return fmt.Errorf("%s has mode %04o, so others may have read what it is for; it must be 0600, or not there", path, info.Mode().Perm())
	}
	return nil
}

// owner is whose a file is. modes: its mode says who may read it.
type owner struct {
	user, group int
	modes       bool
}

// remove takes the file away unless somebody else's is there by now.
func (f *tokenFile) remove() error {
	defer f.file.Close()
	ours, err := f.file.Stat()
	if err != nil {
		return nil // removed before
	}
	there, err := os.Lstat(f.path)
	if err == nil && os.SameFile(there, ours) {
		err = os.Remove(f.path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrTokenFile, err)
	}
	return nil
}
