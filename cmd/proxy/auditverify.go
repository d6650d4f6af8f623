package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

const auditVerifyHelp = `Check that an audit log is whole: that each line follows from the one before it, so
that none was changed, removed, added or moved, over all the files it was rotated
to (in any order, compressed with gzip or not).

Nothing in a log says that its end was not cut off. The proxy therefore says its
head, SEQUENCE:SHA256, in its own log, every audit.announce and when it ends: keep
those elsewhere, and give one or more of them as --head. With a key, each line's
HMAC is checked too, without which whoever can write the log can write all of it
anew behind the last head that was kept.

The last line of the output is the head, to be kept, or to be given as --after when
the files so far have been put away. The exit code is 1 if anything is wrong.`

// verifyFlags are the flags of audit verify.
type verifyFlags struct {
	config, key, after string
	heads              []string
}

func newAuditVerify() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [FILE…]",
		Short: "Check that no line of an audit log was changed, removed, added or moved",
		Long:  auditVerifyHelp,
		RunE: func(cmd *cobra.Command, files []string) error {
			return f.verify(cmd.OutOrStdout(), cmd.ErrOrStderr(), files)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "configuration file that names the audit log and its key")
	flags.StringVar(&f.key, "key-file", "", "the key that signed the lines (default: audit.key_file)")
	flags.StringArrayVar(&f.heads, "head", nil, "a head that was kept elsewhere, SEQUENCE:SHA256; repeatable")
	flags.StringVar(&f.after, "after", "", "the head that the file before the first one ended with")
	return cmd
}

func (f *verifyFlags) verify(out, errOut io.Writer, files []string) error {
	expect, err := f.expect(&files)
	if err != nil {
		return err
	}
	for _, file := range files {
		head, ok, err := audit.ReadMark(file) // before the log, which may grow
		if err != nil {
			return err
		}
		if ok {
			expect.Marks = append(expect.Marks, head)
		}
	}
	done := progress(errOut, "reading "+strings.Join(files, ", "))
	report, err := audit.Verify(files, expect)
	done()
	if err != nil {
		return fmt.Errorf("%w; name the log as an argument, or give --config", err)
	}
	printReport(out, report, len(expect.Key) > 0)
	if len(report.Problems) > 0 {
		return exitCode(exitFailure)
	}
	return nil
}

// expect is what the flags and the configuration hold the log to; without files
// on the command line they are the configuration's.
func (f *verifyFlags) expect(files *[]string) (e audit.Expect, err error) {
	cfg := new(config.Config)
	cfg.Complete()
	if f.config != "" {
		if cfg, err = config.Load(f.config); err != nil {
			return e, err
		}
	}
	override(&cfg.Audit.KeyFile, f.key)
	if len(*files) == 0 {
		*files = []string{cfg.Audit.File}
	}
	if e.Key, err = auditKey(cfg.Audit.KeyFile); err != nil {
		return e, err
	}
	if f.after != "" {
		if e.After, err = audit.ParseHead(f.after); err != nil {
			return e, fmt.Errorf("%w: --after: %w", errUsage, err)
		}
	}
	for _, text := range f.heads {
		head, err := audit.ParseHead(text)
		if err != nil {
			return e, fmt.Errorf("%w: --head: %w", errUsage, err)
		}
		e.Heads = append(e.Heads, head)
	}
	return e, nil
}

func printReport(out io.Writer, r audit.Report, keyed bool) {
	say := func(mark, format string, args ...any) { fmt.Fprintf(out, mark+" "+format+"\n", args...) }
	for _, p := range r.Notes {
		say("!", "%s", p)
	}
	for _, p := range r.Problems {
		say("✗", "%s", p)
	}
	if len(r.Problems) == 0 {
		say("✓", "one chain: %s, up to line %d of the log", counted(r.Lines, "line"), r.Head.Seq)
	}
	switch {
	case keyed && len(r.Problems) == 0:
		say("✓", "each line was signed with the key")
	case keyed:
	case r.Signed > 0:
		say("!", "not checked: the lines are signed; give the key as --key-file")
	default:
		say("!", "not signed: whoever could write the log could write it anew after the last head that was kept elsewhere; see audit.key_file")
	}
	switch after := r.Head.Seq - r.Proven.Seq; {
	case r.Proven == audit.Head{}:
		say("!", "the tail is unproven: lines after %d may have been cut off; give a head that was kept elsewhere as --head", r.Head.Seq)
	case after > 0:
		say("!", "proven up to line %d by --head; of the %d lines after it the tail is unproven: more may have been cut off", r.Proven.Seq, after)
	default:
		say("✓", "proven up to line %d by --head; what was written later, only a later head can say", r.Proven.Seq)
	}
	fmt.Fprintf(out, "head %s\n", r.Head)
}
