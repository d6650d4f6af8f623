// Package admin serves operators: whether the proxy lives, whether it could
// answer a call, and its metrics. It has an address of its own, asks nobody who
// they are, changes nothing, and tells neither secrets nor who called what.
package admin
