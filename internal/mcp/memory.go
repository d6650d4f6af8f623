package mcp

import (
	"container/heap"
	"time"
)

// memory keeps values until their times are over. Forgetting costs no more than what
// is forgotten. Its zero value is ready; the caller holds a lock.
type memory[K comparable, V any] struct {
	values map[K]V
	ends   ends[K]
}

// put keeps a value; one that is kept for the key already stays, and false is returned.
func (m *memory[K, V]) put(key K, v V, until time.Time) bool {
	m.forget(time.Now())
	if _, kept := m.values[key]; kept {
		return false
	}
	if m.values == nil {
		m.values = map[K]V{}
	}
	m.values[key] = v
	heap.Push(&m.ends, end[K]{until, key})
	return true
}

// get is the value that is kept for the key.
func (m *memory[K, V]) get(key K) (v V, ok bool) {
	m.forget(time.Now())
	v, ok = m.values[key]
	return v, ok
}

func (m *memory[K, V]) forget(now time.Time) {
	for len(m.ends) > 0 && !now.Before(m.ends[0].at) {
		delete(m.values, heap.Pop(&m.ends).(end[K]).key)
	}
}

// end is when a key is forgotten; ends is a heap, the next one first.
type end[K comparable] struct {
	at  time.Time
	key K
}

type ends[K comparable] []end[K]

func (e ends[K]) Len() int           { return len(e) }
func (e ends[K]) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e ends[K]) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *ends[K]) Push(x any)        { *e = append(*e, x.(end[K])) }
func (e *ends[K]) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}
