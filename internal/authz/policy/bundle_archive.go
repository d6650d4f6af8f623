package policy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/loader/filter"
)

// readArchive unpacks a .tar.gz in memory. OPA's own reader bounds single files;
// this one bounds the whole, so that a small bundle cannot become a large one,
// and takes nothing but files and directories, each once.
func readArchive(b []byte) (files []file, err error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("it is no .tar.gz: %w", err)
	}
	bounded := &io.LimitedReader{R: unzipped, N: maxSourceBytes + 1}
	tarball := tar.NewReader(bounded)
	seen := map[string]bool{}
	for {
		header, err := tarball.Next()
		if bounded.N <= 0 || len(files) > maxSourceFiles {
			return nil, fmt.Errorf("it holds more than %d files or %d bytes", maxSourceFiles, maxSourceBytes)
		}
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read archive: %w", err)
		}
		name := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
		switch {
		case header.Typeflag == tar.TypeDir:
			continue
		case header.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("%q is neither a file nor a directory", header.Name)
		case "/"+name != path.Join("/", header.Name) || strings.Contains(header.Name, "..") || name == "":
			return nil, fmt.Errorf("%q is no path within the bundle", header.Name)
		case seen[name]:
			return nil, fmt.Errorf("%q is there twice", name)
		}
		seen[name] = true
		content, err := io.ReadAll(tarball)
		if err != nil {
			if bounded.N <= 0 {
				err = fmt.Errorf("it holds more than %d bytes", maxSourceBytes)
			}
			return nil, fmt.Errorf("read archive: %w", err)
		}
		files = append(files, file{path: name, bytes: content})
	}
}

// archive hands files to OPA's reader of bundles, which asks for nothing else.
type archive struct{ files []file }

// NextFile returns the files one by one, then io.EOF.
func (a *archive) NextFile() (*bundle.Descriptor, error) {
	if len(a.files) == 0 {
		return nil, io.EOF
	}
	f := a.files[0]
	a.files = a.files[1:]
	return bundle.NewDescriptor("/"+f.path, "/"+f.path, bytes.NewBuffer(f.bytes)), nil
}

// WithFilter and the others are for loaders that read directories.
func (a *archive) WithFilter(filter.LoaderFilter) bundle.DirectoryLoader { return a }

// WithPathFormat is not needed: paths are from the archive's root.
func (a *archive) WithPathFormat(bundle.PathFormat) bundle.DirectoryLoader { return a }

// WithSizeLimitBytes is not needed: readArchive bounds the whole.
func (a *archive) WithSizeLimitBytes(int64) bundle.DirectoryLoader { return a }

// WithFollowSymlinks is not needed: there are none.
func (a *archive) WithFollowSymlinks(bool) bundle.DirectoryLoader { return a }
