package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// order is what the guard is to start. It travels on the control pipe, so that
// the guard's own arguments and environment hold no secret of the command's.
type order struct {
	path, dir string
	args, env []string
}

// maxOrder bounds what the guard reads; execve(2) takes less.
const maxOrder = 16 << 20

// encode returns a length of four bytes, and the fields separated by NUL,
// which none of them can contain.
func (o order) encode() ([]byte, error) {
	fields := append([]string{o.path, o.dir, strconv.Itoa(len(o.args))}, o.args...)
	fields = append(fields, o.env...)
	for _, f := range fields {
		if strings.ContainsRune(f, 0) {
			return nil, fmt.Errorf("%w: an argument or environment variable contains a NUL; remove it", ErrCommand)
		}
	}
	body := strings.Join(fields, "\x00")
	if len(body) > maxOrder {
		return nil, fmt.Errorf("%w: the arguments and the environment are too long; pass less", ErrCommand)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...), nil
}

var errOrder = errors.New("read order: malformed")

// readOrder reads what encode wrote, and not a byte more.
func readOrder(r io.Reader) (order, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return order{}, fmt.Errorf("read order: %w", err)
	}
	size := binary.BigEndian.Uint32(length[:])
	if size > maxOrder {
		return order{}, errOrder
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return order{}, fmt.Errorf("read order: %w", err)
	}
	fields := strings.Split(string(body), "\x00")
	if len(fields) < 4 {
		return order{}, errOrder
	}
	n, err := strconv.Atoi(fields[2])
	if err != nil || n < 1 || n > len(fields)-3 {
		return order{}, errOrder
	}
	return order{path: fields[0], dir: fields[1], args: fields[3 : 3+n], env: fields[3+n:]}, nil
}
