package docstest

import (
	"path/filepath"
	"regexp"
	"strings"
)

// Pages returns all that a reader of the repository at root may follow.
func Pages(root string) ([]string, error) {
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "deploy/*.md", "deploy/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, page := range found {
			name, err := filepath.Rel(root, page)
			if err != nil {
				return nil, err
			}
			all = append(all, filepath.ToSlash(name))
		}
	}
	return all, nil
}

// Block is one fenced block of a page.
type Block struct {
	Kind   string // after the fence, such as "console"; empty if nothing is there
	Text   string
	Before string // what stands between it and the block before it
	Line   int    // of its first line
}

var fenced = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// Blocks returns the fenced blocks of a page in order.
func Blocks(page string) []Block {
	var all []Block
	end := 0
	for _, at := range fenced.FindAllStringSubmatchIndex(page, -1) {
		all = append(all, Block{Kind: page[at[2]:at[3]], Text: page[at[4]:at[5]], Before: page[end:at[0]], Line: 1 + strings.Count(page[:at[4]], "\n")})
		end = at[1]
	}
	return all
}

// Command is one command of a console block.
type Command struct {
	Text string   // all its lines, joined as they stand
	Want []string // the lines that the page shows of its output
}

// Commands returns the commands of a block. Of a console block these are the lines
// that begin with "$ ", each with the lines after a backslash; what stands below
// is its output. A block of kind sh or bash is a script, which counts as one.
func (b Block) Commands() []Command {
	var all []Command
	switch b.Kind {
	case "sh", "bash":
		return []Command{{Text: strings.TrimRight(b.Text, "\n")}}
	case "console":
	default:
		return nil
	}
	open := false // the last line ended in a backslash
	for line := range strings.SplitSeq(strings.TrimRight(b.Text, "\n"), "\n") {
		text, begins := strings.CutPrefix(line, "$ ")
		switch {
		case begins:
			all = append(all, Command{Text: text})
		case len(all) == 0: // output of nothing, as of the demo
			continue
		case open:
			all[len(all)-1].Text += "\n" + line
		default:
			all[len(all)-1].Want = append(all[len(all)-1].Want, line)
		}
		open = (begins || open) && strings.HasSuffix(line, "\\")
	}
	return all
}

// Refuses reports whether the page shows that the command ends with a refusal,
// and so with an error.
func (c Command) Refuses() bool {
	return len(c.Want) > 0 && strings.HasPrefix(strings.TrimPrefix(c.Want[0], "Error: "), "Refused")
}

// Missing returns the first line that the page shows and the output does not
// have, after those before it; "" if there is none. "…" stands for anything, and
// white space does not count: programs break lines as wide as their terminal is.
func (c Command) Missing(output string) string {
	rest := squeeze(output)
	for _, line := range c.Want {
		for part := range strings.SplitSeq(line, "…") {
			at := strings.Index(rest, squeeze(part))
			if at < 0 {
				return line
			}
			rest = rest[at+len(squeeze(part)):]
		}
	}
	return ""
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
