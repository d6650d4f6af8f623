package lane

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// inherited names what a server needs of the proxy's environment: to find its
// interpreter, its home and caches, certificates and the way out. Nothing that
// could hold AWS credentials is on the list.
var inherited = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"XDG_CACHE_HOME", "XDG_DATA_HOME", "UV_CACHE_DIR", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_PYTHON", "UV_TOOL_DIR", "UV_OFFLINE",
	"PIP_INDEX_URL", "NPM_CONFIG_CACHE", "NPM_CONFIG_REGISTRY", "npm_config_cache", "npm_config_registry",
	"DOCKER_HOST", "DOCKER_CONFIG",
}

// Environment is what goes into the upstream's environment.
type Environment struct {
	Region   string
	Endpoint string            // AWS_ENDPOINT_URL, if not empty
	Set      map[string]string // from configuration
	Pass     []string          // further names to inherit
	// Own leaves the server what the proxy's environment says about AWS, because it
	// is to have credentials of its own.
	Own bool
	// Home takes the place of the proxy's own; empty leaves it. Caches and installed
	// packages stay where they are, and registry logins are not inherited.
	Home string
}

// Build returns the upstream's whole environment: an allowlist of the proxy's
// own, what configuration adds, and AWS settings that leave the credential
// endpoint as the only source of credentials.
// Source: AWS SDKs and Tools reference guide, settings reference.
func (e Environment) Build(credentials []string) []string {
	env := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		aws := strings.HasPrefix(strings.ToUpper(name), "AWS_") && name != "AWS_CA_BUNDLE"
		if aws && e.Own || !aws && (slices.Contains(inherited, name) || slices.Contains(e.Pass, name)) {
			env[name] = value
		}
	}
	if e.Home != "" {
		e.moveHome(env)
	}
	maps.Copy(env, e.Set)
	env["AWS_REGION"], env["AWS_DEFAULT_REGION"] = e.Region, e.Region
	if e.Endpoint != "" {
		env["AWS_ENDPOINT_URL"] = e.Endpoint
	}
	if !e.Own {
		for _, file := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"} {
			env[file] = os.DevNull
		}
		env["AWS_EC2_METADATA_DISABLED"] = "true"
	}
	for _, variable := range credentials {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	// Each name once: of two equal ones, programs differ in which they read.
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// moveHome puts a throw-away home in the place of the user's: what a call leaves
// there, such as the token of a registry, goes with it.
func (e Environment) moveHome(env map[string]string) {
	home := env["HOME"]
	delete(env, "DOCKER_CONFIG")
	env["HOME"] = e.Home
	if home == "" {
		return
	}
	for name, place := range map[string]string{
		"XDG_CACHE_HOME": ".cache", "XDG_DATA_HOME": ".local/share", "PYTHONUSERBASE": ".local", "npm_config_cache": ".npm",
	} {
		if _, set := env[name]; !set {
			env[name] = filepath.Join(home, place)
		}
	}
}
