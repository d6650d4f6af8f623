package reference

import "strings"

// Key is a condition key. A name that ends in * stands for a family, such as
// aws:ResourceTag/*.
type Key struct {
	Name string
	// Many: a request may carry several values, so that only operators with
	// ForAnyValue or ForAllValues match.
	Many bool
}

// FindKey returns the condition key that policies write as name: a global one,
// or one of the detailed service that its prefix names.
func FindKey(name string) (Key, bool) {
	if k, ok := findIn(read().global, name); ok {
		return k, true
	}
	prefix, _, _ := strings.Cut(strings.ToLower(name), ":")
	if load, ok := read().detailed[prefix]; ok {
		return findIn(load().keys, name)
	}
	return Key{}, false
}

func findIn(keys []Key, name string) (Key, bool) {
	for _, k := range keys {
		if k.is(name) {
			return k, true
		}
	}
	return Key{}, false
}

// Family returns what stands before the *, or "" for a key that is not one of many.
func (k Key) Family() string {
	if family, _, ok := strings.Cut(k.Name, "*"); ok {
		return family
	}
	return ""
}

func (k Key) is(name string) bool {
	family := k.Family()
	if family == "" {
		return strings.EqualFold(k.Name, name)
	}
	// AWS wants a name after aws:ResourceTag/.
	return len(name) > len(family) && matches(strings.ToLower(k.Name), strings.ToLower(name))
}

// listed: the key counts as global to AWS, yet only the actions that list it
// carry it.
func (k Key) listed() bool {
	return k.Name == "aws:ResourceTag/*" || k.Name == "aws:RequestTag/*" || k.Name == "aws:TagKeys"
}
