//go:build unix

package grant

import (
	"io/fs"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW

func ownerOf(info fs.FileInfo) (owner, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return owner{}, false
	}
	return owner{int(stat.Uid), int(stat.Gid), true}, true
}
