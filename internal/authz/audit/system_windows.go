package audit

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// Windows has neither: its links need a right of their own to be made, and its
// pipes are not in a folder.
const (
	noFollow = 0
	noWait   = 0
)

func isLink(error) bool { return false }

// private: modes say nothing on Windows, whose access lists are not looked at.
func private(fs.FileInfo) bool { return true }

// lockAt is far behind what a mark holds: a lock of Windows keeps others from
// reading what is locked.
const lockAt = 1 << 30

func tryLock(f *os.File) (bool, error) {
	at := &windows.Overlapped{Offset: lockAt}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

func unlockFile(f *os.File) {
	_ = windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, &windows.Overlapped{Offset: lockAt})
}

func diskFull(path string) (bool, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return false, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return false, err
	}
	return free == 0, nil
}
