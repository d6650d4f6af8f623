//go:build !windows

package audit

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Neither a link is followed, nor does opening wait for the reader of a pipe.
const (
	noFollow = unix.O_NOFOLLOW
	noWait   = unix.O_NONBLOCK
)

func isLink(err error) bool { return errors.Is(err, unix.ELOOP) }

// private reports whether nobody but the owner may read a file.
func private(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }

// tryLock locks a file against other processes; false if another has it. The
// lock ends with the process.
func tryLock(f *os.File) (bool, error) {
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
			return true, nil
		case unix.EWOULDBLOCK:
			return false, nil
		case unix.EINTR:
		default:
			return false, err
		}
	}
}

func unlockFile(f *os.File) { _ = unix.Flock(int(f.Fd()), unix.LOCK_UN) }

// diskFull reports whether the disk of a path has no room for who asks.
func diskFull(path string) (bool, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(path, &disk); err != nil {
		return false, err
	}
	return disk.Bavail == 0, nil
}
