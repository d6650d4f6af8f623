// Package config reads the one YAML file, or the flags that stand for it, and
// turns it into values that the rest of the proxy needs not doubt any more.
//
// It promises to be strict (an unknown key is an error with its line), to
// report every mistake at once, and never to take a region, a role or an
// account from anywhere else. It opens nothing but the configuration file.
package config
