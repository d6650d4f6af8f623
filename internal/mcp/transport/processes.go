//go:build linux && !unguarded

package transport

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// process is what proc(5) says about one process.
type process struct {
	pid, parent, group, session int
	zombie                      bool
}

// processes lists every process. Those that end meanwhile are left out.
func processes() ([]process, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []process
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if stat, err := os.ReadFile("/proc/" + name + "/stat"); err == nil {
				if p, ok := parseStat(pid, stat); ok {
					all = append(all, p)
				}
			}
		}
	}
	return all, nil
}

// parseStat reads "PID (NAME) STATE PPID PGRP SESSION …"; the name may contain
// anything, parentheses included.
func parseStat(pid int, stat []byte) (process, bool) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return process{}, false
	}
	p := process{pid: pid}
	var state string
	n, _ := fmt.Sscan(string(stat[end+1:]), &state, &p.parent, &p.group, &p.session)
	p.zombie = state == "Z" || state == "X"
	return p, n == 4
}

// below returns the processes that descend from any of the roots, without them.
func below(all []process, roots ...int) []process {
	children := map[int][]process{}
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
	}
	var found []process
	for len(roots) > 0 {
		next := children[roots[0]]
		delete(children, roots[0]) // a list read while processes come and go could hold a circle
		roots = roots[1:]
		for _, p := range next {
			found = append(found, p)
			roots = append(roots, p.pid)
		}
	}
	return found
}

// killAll kills the processes, group by group first: a group is killed at
// once, so a process that forks as fast as it is killed cannot slip away.
func killAll(all []process) {
	own := syscall.Getpgrp()
	groups := map[int]bool{own: true, 0: true, 1: true}
	for _, p := range all {
		if !groups[p.group] {
			groups[p.group] = true
			_ = syscall.Kill(-p.group, syscall.SIGKILL) // gone already is fine
		}
		if !p.zombie {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
}
