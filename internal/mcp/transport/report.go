package transport

import (
	"fmt"
	"syscall"
)

// The words a guard reports with, each on a line with one number.
const (
	reportStarted = "started" // the command's process id
	reportFailed  = "failed"  // the errno of execve(2)
	reportBroken  = "broken"  // the errno that kept the guard from guarding
	reportExited  = "exited"  // exit code
	reportKilled  = "killed"  // signal number
)

func parseReport(line string) (word string, number int, err error) {
	if _, err := fmt.Sscanf(line, "%s %d", &word, &number); err != nil {
		return "", 0, fmt.Errorf("%w: unreadable report", ErrGuard)
	}
	return word, number, nil
}

// Exit is how a command ended. The zero Exit says nothing: only read it after Done.
type Exit struct {
	Code   int            // the exit code; 128 plus the signal if one ended it, as shells say it
	Signal syscall.Signal // the signal that ended the command, or 0
	Err    error          // an ErrGuard if how it ended is unknown, or something could not be killed
}

// String says it for people: "exit code 3", "signal terminated".
func (e Exit) String() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Signal != 0:
		return "signal " + e.Signal.String()
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// unreported is what is known without a last report.
var unreported = Exit{Code: 1, Err: fmt.Errorf("%w: it ended without a report, so the server was killed", ErrGuard)}

// exitOf reads the last report of a guard.
func exitOf(word string, number int) Exit {
	switch word {
	case reportExited:
		return Exit{Code: number}
	case reportKilled:
		return Exit{Code: 128 + number, Signal: syscall.Signal(number)}
	}
	return unreported
}
