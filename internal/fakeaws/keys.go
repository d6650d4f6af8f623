package fakeaws

import "strings"

// value is what a request says about one condition key. IAM tells a
// single-valued key from a multi-valued one.
type value struct {
	multi  bool
	values []string
}

// keys holds the condition keys that a request carries. A name that is not
// there is absent; names compare without case, tag keys included.
type keys map[string]value

func (k keys) one(name, v string) { k[strings.ToLower(name)] = value{values: []string{v}} }
func (k keys) many(name string, v ...string) {
	k[strings.ToLower(name)] = value{multi: true, values: v}
}

// tags sets prefix/KEY for every tag.
func (k keys) tags(prefix string, tags map[string]string) {
	for key, v := range tags {
		k.one(prefix+"/"+key, v)
	}
}

// get returns the value of a key. A multi-valued key without values is absent,
// as AWS does not send one.
func (k keys) get(name string) (value, bool) {
	v, ok := k[strings.ToLower(name)]
	return v, ok && len(v.values) > 0
}

// with returns the union of k and more; more wins.
func (k keys) with(more keys) keys {
	union := make(keys, len(k)+len(more))
	for name, v := range k {
		union[name] = v
	}
	for name, v := range more {
		union[name] = v
	}
	return union
}
