//go:build linux && !unguarded

package transport

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// roles are what the test binary can be besides a test. Their first argument
// is the mark by which the test finds them.
var roles map[string]func(args []string) int

func init() { // the roles start one another
	roles = map[string]func(args []string) int{
		"echo":       echo,
		"exit":       exitWith,
		"sleep":      sleep,
		"stubborn":   stubborn,
		"family":     family,
		"deserter":   deserter,
		"daemon":     daemon,
		"storm":      storm,
		"signals":    printSignals,
		"surround":   surroundings,
		"undumpable": undumpable,
		"proxy":      proxy,
	}
}

func echo([]string) int {
	fmt.Fprintln(os.Stderr, "echo on standard error")
	_, _ = io.Copy(os.Stdout, os.Stdin)
	return 0
}

func exitWith(args []string) int {
	code, err := strconv.Atoi(args[1])
	if err != nil {
		return 99
	}
	return code
}

func sleep([]string) int {
	time.Sleep(time.Hour)
	return 0
}

// stubborn ignores every signal that can be ignored, and the end of its input.
func stubborn(args []string) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	fmt.Println("ready")
	return sleep(args)
}

// family ignores the end of its input. It has a child in its own group, one
// that joined the guard's, a stubborn one in a session of its own, and a
// grandchild that daemonised.
func family(args []string) int {
	own, apart := &syscall.SysProcAttr{}, &syscall.SysProcAttr{Setsid: true}
	spawn(args[0], "sleep", own)
	spawn(args[0], "sleep", &syscall.SysProcAttr{Setpgid: true, Pgid: os.Getppid()})
	spawn(args[0], "stubborn", apart)
	_ = spawn(args[0], "daemon", apart).Wait()
	fmt.Println("ready")
	return sleep(args)
}

// deserter leaves its family behind.
func deserter(args []string) int {
	spawn(args[0], "sleep", &syscall.SysProcAttr{})
	_ = spawn(args[0], "daemon", &syscall.SysProcAttr{Setsid: true}).Wait()
	return 5
}

// daemon forks twice, as daemons do: what is left has no parent of ours.
func daemon(args []string) int {
	spawn(args[0], "stubborn", &syscall.SysProcAttr{Setsid: true})
	return 0
}

// storm starts daemons as fast as it can.
func storm(args []string) int {
	for range 3 {
		go func() {
			for {
				_ = spawn(args[0], "daemon", &syscall.SysProcAttr{Setsid: true}).Wait()
			}
		}()
	}
	fmt.Println("ready")
	return sleep(args)
}

func spawn(mark, role string, attr *syscall.SysProcAttr) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", role, mark)
	cmd.SysProcAttr = attr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(98)
	}
	return cmd
}

func printSignals([]string) int {
	received := make(chan os.Signal, 4)
	signal.Notify(received, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
	fmt.Println("ready")
	for s := range received {
		fmt.Println(s)
	}
	return 0
}

// surroundings prints what a command was given, one thing a line.
func surroundings(args []string) int {
	dir, _ := os.Getwd()
	fmt.Println("dir", dir)
	fmt.Println("args", strings.Join(args[1:], "|"))
	fmt.Println("env", strings.Join(os.Environ(), "|"))
	for fd := range 256 {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 { // closed, or opened by this process itself
			continue
		}
		status, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		fmt.Println("fd", fd, "nonblocking", status&unix.O_NONBLOCK != 0)
	}
	fmt.Println("group", syscall.Getpgrp() == os.Getpid())
	return 0
}

func undumpable([]string) int {
	if err := Undumpable(); err != nil {
		fmt.Println(err)
	}
	var core unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
	dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	fmt.Println(dumpable, core.Cur, core.Max)
	// An undumpable process must still be able to start its guard.
	c, err := Start(Spec{Command: []string{"/proc/self/exe", "exit", "x", "0"}})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(c.Wait())
	return 0
}

// proxy starts a family under a guard, as the proxy does, and waits to be killed.
func proxy(args []string) int {
	if err := Subreaper(); err != nil {
		return 97
	}
	c, err := Start(Spec{Command: as(args[0], "family"), Stderr: os.Stderr})
	if err != nil {
		fmt.Println(err)
		return 96
	}
	line := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(c.Stdout, line); err != nil {
		return 95
	}
	fmt.Println(c.guard.Process.Pid)
	return sleep(args)
}
