package simulate

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iam"
)

// Judge answers questions, in order; one that it cannot answer is an error.
type Judge interface {
	Judge(ctx context.Context, questions ...policy.Question) ([]iam.Answer, error)
}

// Invalid is the decision of a line that could not be taken.
const Invalid = "invalid"

// Answer is what one line gets. Statements are DOCUMENT/SID.
type Answer struct {
	ID         string   `json:"id"`
	Decision   string   `json:"decision"` // a verdict's word, or Invalid
	Layer      string   `json:"layer"`
	Statements []string `json:"statements"`
	Unknown    []string `json:"unknown"`
	Error      string   `json:"error,omitempty"`
}

// Totals counts the lines of a run.
type Totals struct{ Lines, Invalid int }

// Run answers every line of in on out. Its error is that in cannot be read, out
// cannot be written, or ctx has ended; an invalid line is an answer.
func Run(ctx context.Context, judge Judge, in io.Reader, out io.Writer) (Totals, error) {
	var totals Totals
	reader := bufio.NewReaderSize(in, 64<<10)
	encoder := json.NewEncoder(out) // writes a line at once
	encoder.SetEscapeHTML(false)
	for {
		line, tooLong, err := readLine(reader)
		if err == io.EOF {
			return totals, nil
		}
		if err != nil {
			return totals, fmt.Errorf("read cases: %w", err)
		}
		if ctx.Err() != nil {
			return totals, context.Cause(ctx)
		}
		totals.Lines++
		answer := answerLine(ctx, judge, line, tooLong)
		if answer.Decision == Invalid {
			totals.Invalid++
			answer.Error = fmt.Sprintf("line %d: %s", totals.Lines, answer.Error)
		}
		if err := encoder.Encode(answer); err != nil {
			return totals, fmt.Errorf("write answer: %w", err)
		}
	}
}

func answerLine(ctx context.Context, judge Judge, line []byte, tooLong bool) Answer {
	if tooLong {
		return invalid("", fmt.Errorf("is longer than %d bytes; a case holds only the documents that it is about", MaxLine))
	}
	id, question, err := ReadCase(line)
	if err != nil {
		return invalid(id, err)
	}
	answers, err := judge.Judge(ctx, question)
	if err != nil {
		return invalid(id, err)
	}
	r := answers[0].Accesses[0]
	return Answer{ID: id, Decision: r.Verdict.String(), Layer: r.Layer, Statements: orEmpty(r.Statements), Unknown: orEmpty(r.Unknown)}
}

func invalid(id string, err error) Answer {
	return Answer{ID: id, Decision: Invalid, Statements: []string{}, Unknown: []string{}, Error: strings.ReplaceAll(err.Error(), "\n", "; ")}
}

// orEmpty: readers of the answers need not tell [] from null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// MaxLine bounds one line: far more than all documents that AWS lets one role have.
const MaxLine = 4 << 20

// readLine returns the next line without its end, which the last one may lack. A
// line over MaxLine is read to its end and not kept.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		tooLong = tooLong || len(line)+len(part) > MaxLine+1
		if !tooLong {
			line = append(line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(part) == 0 && len(line) == 0 && !tooLong:
			return nil, false, io.EOF
		case err != nil && err != io.EOF:
			return nil, false, err
		}
		return trimEnd(line), tooLong, nil
	}
}

func trimEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		return line[:n-1]
	}
	return line
}
