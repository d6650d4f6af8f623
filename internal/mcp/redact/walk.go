package redact

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// edit replaces the bytes from start to end.
type edit struct {
	start, end int
	with       []byte
}

// apply returns raw with the edits, which are in order and do not overlap;
// without any it is raw itself.
func apply(raw []byte, edits []edit) []byte {
	if len(edits) == 0 {
		return raw
	}
	out, at := make([]byte, 0, len(raw)), 0
	for _, e := range edits {
		out = append(append(out, raw[at:e.start]...), e.with...)
		at = e.end
	}
	return append(out, raw[at:]...)
}

// walker goes through one JSON value and notes what must be replaced.
type walker struct {
	r     *Redactor
	raw   []byte
	dec   *jsontext.Decoder
	edits []edit
	count int
	err   error
}

// lenient: whoever reads the value may take a repeated name or a broken
// character in his own way, so each of them is looked at.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

func walk(r *Redactor, raw []byte, l *level) *walker {
	w := &walker{r: r, raw: raw, dec: jsontext.NewDecoder(bytes.NewBuffer(raw), lenient...)}
	w.err = w.value(l)
	return w
}

func (w *walker) value(l *level) error {
	switch w.dec.PeekKind() {
	case '{':
		_, err := w.object(l, nil)
		return err
	case '[':
		if _, err := w.dec.ReadToken(); err != nil {
			return err
		}
		for w.dec.PeekKind() != ']' {
			if err := w.value(l); err != nil {
				return err
			}
		}
		_, err := w.dec.ReadToken()
		return err
	case '"':
		literal, start, err := w.read()
		if err == nil {
			w.text(literal, start)
		}
		return err
	}
	_, err := w.dec.ReadValue()
	return err
}

// object goes through an object, of which the members inner are taken out too;
// found says that it has one of them.
func (w *walker) object(l *level, inner names) (found bool, err error) {
	if _, err := w.dec.ReadToken(); err != nil {
		return false, err
	}
	for w.dec.PeekKind() != '}' {
		quoted, err := w.dec.ReadValue()
		if err != nil {
			return false, err
		}
		name := string(unquote(quoted))
		folded := fold(name)
		switch {
		case l.opaque[name]:
			err = w.dec.SkipValue()
		case l.binary[name] && w.dec.PeekKind() == '"':
			err = w.replace(binaryMark)
		case !l.isOwn(name) && (w.r.names[folded] || inner[folded]):
			found = found || inner[folded]
			err = w.replace(valueMark)
		case !l.isOwn(name) && w.r.within[folded] != nil:
			err = w.enclosing(w.r.within[folded])
		default:
			err = w.value(l.below(name))
		}
		if err != nil {
			return false, err
		}
	}
	_, err = w.dec.ReadToken()
	return found, err
}

// enclosing goes through the value of a member that encloses what is taken out:
// a list of objects, each with such a member. What has another form may hold
// the values in another way, so it is taken out whole.
func (w *walker) enclosing(inner names) error {
	switch w.dec.PeekKind() {
	case 'n': // null holds nothing
		return w.dec.SkipValue()
	case '[':
	default:
		return w.replace(valueMark)
	}
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	for w.dec.PeekKind() != ']' {
		if err := w.entry(inner); err != nil {
			return err
		}
	}
	_, err := w.dec.ReadToken()
	return err
}

func (w *walker) entry(inner names) error {
	if w.dec.PeekKind() != '{' {
		return w.replace(valueMark)
	}
	edits, count := len(w.edits), w.count
	start := w.next()
	found, err := w.object(payload, inner)
	if err == nil && !found {
		w.edits = append(w.edits[:edits], edit{start, int(w.dec.InputOffset()), []byte(`"` + valueMark + `"`)})
		w.count = count + 1
	}
	return err
}

// next is where the next value begins, which is an object.
func (w *walker) next() int {
	at := int(w.dec.InputOffset())
	return at + bytes.IndexByte(w.raw[at:], '{')
}

// read returns the next value and where it begins.
func (w *walker) read() (raw []byte, start int, err error) {
	raw, err = w.dec.ReadValue()
	return raw, int(w.dec.InputOffset()) - len(raw), err
}

// replace takes the next value out, whatever it is.
func (w *walker) replace(mark string) error {
	raw, start, err := w.read()
	if err == nil {
		w.edits = append(w.edits, edit{start, start + len(raw), []byte(`"` + mark + `"`)})
		w.count++
	}
	return err
}

// text redacts what a string says, and writes only that part of it anew.
func (w *walker) text(literal []byte, start int) {
	edits, count := w.r.text(unquote(literal))
	if len(edits) == 0 {
		return
	}
	w.count += count
	for _, e := range inLiteral(literal, edits) {
		w.edits = append(w.edits, edit{start + e.start, start + e.end, e.with})
	}
}
