// Package docstest reads the pages of the documentation and runs what they tell
// a reader to run, for tests alone.
//
// It promises that nothing is left out: Commands returns every command of a
// console block, and Shell runs each as a shell does, with what the commands
// before it exported and the directory that they went to.
package docstest
