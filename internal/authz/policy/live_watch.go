package policy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

const (
	// quietTime is how long nothing must happen before files are looked at: an
	// editor writes in several steps. busyTime bounds the wait.
	quietTime = 200 * time.Millisecond
	busyTime  = 2 * time.Second
	// lookTime is for what tells no events, such as network file systems.
	lookTime = 30 * time.Second
)

// Watch sends on changes whenever the contents of paths differ from what they
// were: of files, and of directories with all policy files below. It looks at
// contents, so it does not matter how they are replaced: written in place,
// renamed over, or swapped by a link as in a mounted ConfigMap.
//
// It has seen the contents of now when it returns, and ends with ctx. Changes
// needs a buffer: while nobody has taken the last one, no other is sent.
func Watch(ctx context.Context, log *zap.Logger, changes chan<- struct{}, paths ...string) {
	w := &watcher{paths: paths, directories: map[string]bool{}, digest: digest(paths)}
	var err error
	if w.events, err = fsnotify.NewWatcher(); err != nil {
		log.Warn(fmt.Sprintf("policy files are looked at every %s only, because the system tells no changes: %v", lookTime, err))
		w.events = &fsnotify.Watcher{} // whose channels tell nothing
	} else {
		w.follow()
	}
	go w.run(ctx, changes)
}

type watcher struct {
	paths       []string
	directories map[string]bool // that policy files are in
	events      *fsnotify.Watcher
	digest      [sha256.Size]byte
}

func (w *watcher) run(ctx context.Context, changes chan<- struct{}) {
	if w.events.Events != nil {
		defer w.events.Close()
	}
	look := time.NewTicker(lookTime)
	defer look.Stop()
	var quiet <-chan time.Time
	var latest time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.events.Events:
			if !w.concerns(e) {
				continue
			}
			if quiet == nil {
				latest = time.Now().Add(busyTime)
			}
			quiet = time.After(min(quietTime, time.Until(latest)))
			continue
		case <-w.events.Errors: // events were lost
		case <-quiet:
		case <-look.C:
		}
		quiet = nil
		if w.changed() {
			select {
			case changes <- struct{}{}:
			default: // one is waiting to be taken, and will see this as well
			}
		}
	}
}

// concerns: a directory that is watched for one file may hold a busy other, such
// as the audit log.
func (w *watcher) concerns(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	name := filepath.Base(e.Name)
	if w.directories[filepath.Dir(e.Name)] || strings.HasPrefix(name, "..") {
		return true
	}
	for _, path := range w.paths {
		if filepath.Base(path) == name || filepath.Base(resolved(path)) == name {
			return true
		}
	}
	return false
}

// changed compares the contents with those of the time before.
func (w *watcher) changed() bool {
	w.follow()
	now := digest(w.paths)
	changed := now != w.digest
	w.digest = now
	return changed
}

// follow watches every directory that has a part in what paths are: their own,
// those above them, in which they may be replaced, and those that links lead to.
// What cannot be watched is looked at from time to time.
func (w *watcher) follow() {
	if w.events.Events == nil {
		return
	}
	w.directories = map[string]bool{}
	for _, path := range w.paths {
		_ = w.events.Add(filepath.Dir(path))
		_ = w.events.Add(filepath.Dir(resolved(path)))
		w.followDirectory(path, 0)
	}
}

func (w *watcher) followDirectory(dir string, depth int) {
	entries, err := os.ReadDir(dir)
	if err != nil || depth > maxSourceDepth || len(w.directories) > maxSourceFiles {
		return
	}
	_ = w.events.Add(dir)
	w.directories[dir] = true
	for _, entry := range entries {
		if path := filepath.Join(dir, entry.Name()); !strings.HasPrefix(entry.Name(), ".") {
			if entry.Type()&os.ModeSymlink != 0 {
				target := filepath.Dir(resolved(path))
				_ = w.events.Add(target)
				w.directories[target] = true
			}
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				w.followDirectory(path, depth+1)
			}
		}
	}
}

// resolved follows links, as far as they lead.
func resolved(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// digest is of the contents of paths; what cannot be read counts as well.
func digest(paths []string) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, path := range paths {
		files, err := watched(path)
		fmt.Fprintf(h, "%q %v\n", path, err)
		for _, f := range files {
			fmt.Fprintf(h, "%q %x\n", f.path, sha256.Sum256(f.bytes))
		}
	}
	h.Sum(sum[:0])
	return sum
}

func watched(path string) ([]file, error) {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return listFiles(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSourceBytes))
	return []file{{path: path, bytes: b}}, err
}
