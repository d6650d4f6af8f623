package wire

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Of returns the id under which one of several servers' ids is shown to the
// client: the string "k:ID", where ID is the id as it was sent. The zero ID stays zero.
func (id ID) Of(k int) ID {
	if id.IsZero() {
		return id
	}
	raw, err := json.Marshal(fmt.Sprintf("%d:%s", k, id.raw))
	if err != nil {
		return ID{} // a string has a JSON form
	}
	renamed, _ := parseID(raw)
	return renamed
}

// Token returns the progress token as an id; zero if there is none.
func (m *Message) Token() ID {
	id, _ := parseID(m.ProgressToken)
	return id
}

// Rename returns m's line with the ids in it (the message's own, the progress
// token, the cancelled request's, the subscription's) replaced; every other byte is as it was sent.
func (m *Message) Rename(to func(ID) ID) []byte {
	ids := slices.DeleteFunc([]ID{m.ID, m.Token(), m.RequestID, m.SubscriptionID}, func(id ID) bool { return id.IsZero() })
	// From the back, so that what stands before keeps its place.
	slices.SortFunc(ids, func(a, b ID) int { return cmp.Compare(m.Offset(b.raw), m.Offset(a.raw)) })
	line := m.Raw
	for _, id := range ids {
		start := m.Offset(id.raw)
		line = Splice(line, start, start+len(id.raw), to(id).raw)
	}
	return line
}

// NewID is the id that is this string.
func NewID(text string) ID {
	raw, err := json.Marshal(text)
	if err != nil {
		return ID{} // a string has a JSON form
	}
	id, _ := parseID(raw)
	return id
}

// Replace returns a request's line with its id and its progress token replaced;
// without a token, the token is not looked at.
func (m *Message) Replace(id, token ID) []byte {
	own, ownToken := m.Offset(m.ID.raw), m.Token()
	return m.Rename(func(old ID) ID {
		switch at := m.Offset(old.raw); {
		case at == own:
			return id
		case !ownToken.IsZero() && at == m.Offset(ownToken.raw):
			return token
		}
		return old
	})
}
