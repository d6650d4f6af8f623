#!/bin/sh
# Builds the image with what this machine has, docker, podman or buildah:
#
#	deploy/image.sh TAG VERSION
#
# With GO_IMAGE=host, buildah takes this machine's Go and certificates in the
# place of the golang image, for where no registry of images can be reached.
set -eu
tag=$1 version=${2:-}
cd "$(dirname "$0")/.."

works() { command -v "$1" >/dev/null 2>&1 && "$1" info >/dev/null 2>&1; }

if [ "${GO_IMAGE:-}" != host ]; then
	for engine in docker podman buildah; do
		if works "$engine"; then
			exec "$engine" build ${GO_IMAGE:+--build-arg "GO_IMAGE=$GO_IMAGE"} --build-arg "VERSION=$version" -f deploy/Dockerfile -t "$tag" .
		fi
	done
	echo "image.sh: none of docker, podman and buildah works here" >&2
	exit 1
fi

# An empty image, into which this machine's programs are mounted while it builds.
cache=$(go env GOCACHE)
empty=$(buildah from scratch)
buildah config --env "PATH=$(go env GOROOT)/bin:/usr/bin:/bin" --env "GOCACHE=$cache" --env "GOMODCACHE=$(go env GOMODCACHE)" "$empty"
buildah commit --quiet "$empty" localhost/host >/dev/null
buildah rm "$empty" >/dev/null
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; buildah rmi localhost/host >/dev/null 2>&1 || :' EXIT
mounts="--volume $scratch:/tmp --volume $cache:$cache"
for dir in /usr /bin /lib /lib64 /etc/ssl "$(go env GOROOT)" "$(go env GOMODCACHE)"; do
	[ ! -e "$dir" ] || mounts="$mounts --volume $dir:$dir:ro"
done
# shellcheck disable=SC2086 # each mount is words of its own
buildah build --format docker --isolation chroot --quiet --layers=false --pull-never $mounts \
	--build-arg GO_IMAGE=localhost/host --build-arg "VERSION=$version" \
	-f deploy/Dockerfile -t "$tag" .
