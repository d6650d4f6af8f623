package mcp

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// aConsent is one that seals hold.
func aConsent() consent {
	digest := NewConsents([]byte("of the test"), time.Minute).digest
	return consent{id: "abcdefghij0123456789", expires: time.Unix(4_000_000_000, 0), responses: []byte(`{"a":1}`), state: []byte(`"s"`),
		about: terms{caller: digest("alice"), call: digest("call"), accesses: digest("accesses"), policy: digest("policy")}}
}

func TestASealIsReadAsItWasWritten(t *testing.T) {
	c := NewConsents([]byte("key"), time.Minute)
	for name, change := range map[string]func(*consent){
		"whole":             func(*consent) {},
		"without an input":  func(a *consent) { a.responses, a.state = nil, nil },
		"with a state only": func(a *consent) { a.responses = nil },
		"with answers only": func(a *consent) { a.state = nil },
		"of other terms":    func(a *consent) { a.about = terms{} },
	} {
		want := aConsent()
		change(&want)
		got, err := c.open(c.seal(want))
		if err != nil || got.id != want.id || !got.expires.Equal(want.expires) || got.about != want.about ||
			string(got.responses) != string(want.responses) || string(got.state) != string(want.state) || (got.state == nil) != (want.state == nil) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestWhatIsNoSealIsForged(t *testing.T) {
	c := NewConsents(nil, time.Minute)
	seal := c.seal(aConsent())
	body := strings.TrimPrefix(seal, sealPrefix)
	for name, state := range map[string]string{
		"nothing":                 "",
		"the prefix":              sealPrefix,
		"another prefix":          "ecs-mcp-proxy.consent.2." + body,
		"no prefix":               body,
		"too short":               seal[:len(sealPrefix)+255],
		"one character less":      seal[:len(seal)-1],
		"something behind":        seal + "A",
		"padding":                 seal + "=",
		"a line break":            seal[:40] + "\n" + seal[40:],
		"another base64":          sealPrefix + strings.ReplaceAll(strings.ReplaceAll(body, "-", "+"), "_", "/") + "+",
		"zeros":                   sealPrefix + sealForm.EncodeToString(make([]byte, fixedSize)),
		"a claim of great length": sealPrefix + sealForm.EncodeToString([]byte(strings.Repeat("\xff", fixedSize))),
		"by another process":      NewConsents(nil, time.Minute).seal(aConsent()),
		"by an empty key":         (&Consents{}).seal(aConsent()),
	} {
		if got, err := c.open(state); err != errForged {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestEveryByteOfASealIsAuthenticated(t *testing.T) {
	c := NewConsents(nil, time.Minute)
	seal := c.seal(aConsent())
	rapid.Check(t, func(t *rapid.T) {
		b, err := sealForm.DecodeString(strings.TrimPrefix(seal, sealPrefix))
		if err != nil {
			t.Fatal(err)
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if got, err := c.open(sealPrefix + sealForm.EncodeToString(b)); err != errForged {
			t.Fatalf("got %+v, %v", got, err)
		}
	})
}

func TestAConsentExpiresAndIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewConsents(nil, time.Minute)
		a := aConsent()
		a.expires = time.Now().Add(c.within)
		seal := c.seal(a)
		time.Sleep(c.within - time.Second)
		got, err := c.open(seal)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.use(got); err != nil {
			t.Error(err)
		}
		if err := c.use(got); err != errUsed {
			t.Errorf("a second time: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := c.open(seal); err != errExpired {
			t.Errorf("when its time is over: %v", err)
		}
		// It need not be remembered any more.
		other := aConsent()
		other.id = strings.Repeat("z", idSize)
		if err := c.use(other); err != nil || len(c.used.values) != 1 {
			t.Errorf("%v; %d are remembered", err, len(c.used.values))
		}
	})
}

// Those who share a key take each other's seals.
func TestSealsOfASharedKeyAreTaken(t *testing.T) {
	one, other := NewConsents([]byte("shared"), time.Minute), NewConsents([]byte("shared"), time.Minute)
	if _, err := other.open(one.seal(aConsent())); err != nil {
		t.Error(err)
	}
}

func TestTermsDifferInEachPart(t *testing.T) {
	a := aConsent().about
	for want, change := range map[string]func(*terms){
		"":                          func(*terms) {},
		"the caller":                func(t *terms) { t.caller[31]++ },
		"the tool or its arguments": func(t *terms) { t.call[0]++ },
		"what the call would do":    func(t *terms) { t.accesses[5]++ },
		"policy":                    func(t *terms) { t.policy[5]++ },
	} {
		b := a
		change(&b)
		if got := a.differs(b); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	c, other := NewConsents(nil, time.Minute), NewConsents(nil, time.Minute)
	digest := c.digest
	if digest("a") != digest("a") || digest("a") == other.digest("a") {
		t.Error("a digest is not that of its value and key")
	}
	if digest("a", "bc") == digest("ab", "c") || digest(make(chan int)) == digest(make(chan int)) {
		t.Error("what differs has the same digest")
	}
}

// Whatever a client sends as a seal: it is refused, unless it is the very one.
func FuzzSeal(f *testing.F) {
	c := NewConsents([]byte("the key of the fuzz test"), time.Minute)
	seal := c.seal(aConsent())
	f.Add(seal)
	f.Add(seal[:len(seal)-1])
	f.Add(sealPrefix)
	f.Add(sealPrefix + base64.RawURLEncoding.EncodeToString(make([]byte, fixedSize)))
	f.Add("")
	f.Fuzz(func(t *testing.T, state string) {
		_, err := c.open(state)
		if (err == nil) != (state == seal) {
			t.Errorf("%q: %v", state, err)
		}
	})
}
