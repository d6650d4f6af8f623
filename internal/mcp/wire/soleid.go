package wire

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// soleID finds the id to answer an unreadable message with: the only top-level
// member "id", as far as the message can be read at all. If another key could
// be taken for it, or a second value follows, there is none.
//
// answer says that the message, as far as it can be read, has a result or an
// error and no method: its id is then that of a request of the other side.
func soleID(raw []byte) (id ID, answer bool) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		return ID{}, false
	}
	var answers, asks bool
	var ids []ID
	_, err := d.ReadToken()
	for err == nil && d.PeekKind() == '"' {
		var id ID
		var is bool
		if id, is, err = readMember(d, &answers, &asks); is {
			ids = append(ids, id)
		}
	}
	if err == nil && d.PeekKind() == '}' {
		_, _ = d.ReadToken()
		if _, err := d.ReadToken(); err != io.EOF {
			return ID{}, false
		}
	}
	if len(ids) != 1 {
		return ID{}, false
	}
	return ids[0], answers && !asks
}

// readMember reads one member; is says that a reader could take it for the id,
// which is zero unless its key and value are exact.
func readMember(d *jsontext.Decoder, answers, asks *bool) (id ID, is bool, err error) {
	quoted, err := d.ReadValue()
	if err != nil {
		return ID{}, false, err
	}
	key, _ := jsontext.AppendUnquote(nil, quoted) // what cannot be unquoted is not "id"
	switch name := string(bytes.ToLower(trimControls(key))); name {
	case "result", "error":
		*answers = true
	case "method":
		*asks = true
	}
	if !bytes.EqualFold(trimControls(key), []byte("id")) {
		return ID{}, false, d.SkipValue()
	}
	value, err := d.ReadValue()
	if err == nil && string(key) == "id" {
		id, _ = parseID(bytes.Clone(value))
	}
	return id, true, err
}
