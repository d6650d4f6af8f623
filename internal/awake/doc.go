// Package awake bounds what takes time by the time in which this process was at
// work. A machine that stands still for seconds, such as a virtual one that is
// paused, has not made others slow; by the clock alone they would all be found so at
// the moment when it goes on. Each time is counted in steps, and one in which the
// machine stood still, however long, counts as one.
package awake
