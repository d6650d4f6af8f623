//go:build !race

package main

// mostPerSession is what an idle session of serve may take.
const mostPerSession = 40 << 10

// quick is for the race detector.
func quick() {}
