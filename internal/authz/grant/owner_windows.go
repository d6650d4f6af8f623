package grant

import (
	"io/fs"
	"os"
)

const noFollow = 0

// ownerOf knows no owner but the one that asks: on Windows access lists say whose
// a file is, and they are not looked at.
func ownerOf(fs.FileInfo) (owner, bool) { return owner{user: os.Geteuid()}, true }
