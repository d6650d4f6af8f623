package lane

import (
	"maps"
	"os"
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
}

// Build returns the upstream's whole environment: an allowlist of the proxy's
// own, what configuration adds, and AWS settings that leave the credential
// endpoint as the only source of credentials.
// Source: AWS SDKs and Tools reference guide, settings reference.
func (e Environment) Build(credentials []string) []string {
	env := map[string]string{}
	for _, name := range append(slices.Clone(inherited), e.Pass...) {
		if value, ok := os.LookupEnv(name); ok && (name == "AWS_CA_BUNDLE" || !strings.HasPrefix(strings.ToUpper(name), "AWS_")) {
			env[name] = value
		}
	}
	maps.Copy(env, e.Set)
	env["AWS_REGION"], env["AWS_DEFAULT_REGION"] = e.Region, e.Region
	for _, file := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"} {
		env[file] = os.DevNull
	}
	env["AWS_EC2_METADATA_DISABLED"] = "true"
	if e.Endpoint != "" {
		env["AWS_ENDPOINT_URL"] = e.Endpoint
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
