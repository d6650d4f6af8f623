package wire

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestIDsAreComparedByValue(t *testing.T) {
	key := func(raw string) Key {
		id, ok := parseID([]byte(raw))
		if !ok {
			t.Fatalf("parse %s: not ok", raw)
		}
		return id.Key()
	}
	for _, same := range [][]string{
		{`1`, `1.0`, `1e0`, `10E-1`, `0.1e+1`, `0.0001e4`},
		{`0`, `-0`, `0.0`, `0e99`, `-0.00e-5`},
		{`100`, `1e2`, `100.00`},
		{`"a"`, `"\u0061"`},
		{`"/"`, `"\/"`},
	} {
		for _, raw := range same {
			if key(raw) != key(same[0]) {
				t.Errorf("%s and %s differ", raw, same[0])
			}
		}
	}
	for _, pair := range [][2]string{
		{`1`, `"1"`}, {`1`, `-1`}, {`1`, `10`}, {`9007199254740993`, `9007199254740992`}, {`1.5`, `1`},
		{`0`, `""`}, {`"1"`, `"1.0"`}, {`1e1000000`, `1e1000001`}, {`"n"`, `"N"`},
	} {
		if key(pair[0]) == key(pair[1]) {
			t.Errorf("%s and %s are the same", pair[0], pair[1])
		}
	}
	if key(`""`) == (Key{}) || key(`0`) == (Key{}) {
		t.Error("an id looks like no id")
	}
}

func TestIDRefuses(t *testing.T) {
	for _, raw := range []string{``, `null`, `true`, `{}`, `[]`, `1e9999999999`, `1e99999999999999999999`} {
		if id, ok := parseID([]byte(raw)); ok {
			t.Errorf("%s: got %v", raw, id.Key())
		}
	}
}

func TestZeroIDIsNull(t *testing.T) {
	if s := (ID{}).String(); s != "null" || !(ID{}).IsZero() || (ID{}).Raw() != nil {
		t.Errorf("got %q", s)
	}
}

// respell writes the same number in another way.
func respell(number string) string {
	mantissa, exponent := number, ""
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		mantissa, exponent = number[:i], number[i:]
	}
	if strings.Contains(mantissa, ".") {
		return mantissa + "00" + exponent
	}
	return mantissa + ".0" + exponent
}

// An exact spelling is equal exactly when the numbers are.
func TestExactAgreesWithRationals(t *testing.T) {
	literal := rapid.StringMatching(`-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,5})?([eE][+-]?[0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		a := literal.Draw(t, "a")
		b := rapid.OneOf(literal, rapid.Just(respell(a))).Draw(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		ea, _ := exact(a)
		eb, _ := exact(b)
		if (ea == eb) != (x.Cmp(y) == 0) {
			t.Fatalf("%s is %s, %s is %s", a, ea, b, eb)
		}
	})
}

func TestNumbersEveryReaderKeeps(t *testing.T) {
	for _, number := range []string{
		`0`, `0.5`, `-0.0`, `1e3`, `9007199254740991`, `-9007199254740991`, `900719925474099.1`, `1e-400`, `0.1000000000000000055511151231257827`, `9007199254740991.0`,
	} {
		if !isExact([]byte(number)) {
			t.Errorf("%s is refused", number)
		}
	}
	for _, number := range []string{
		`-0`, `9007199254740992`, `-9007199254740992`, `9007199254740993`, `1e16`, `1e400`, `-1e400`, `1E30`, `9007199254740991.9`, `99999999999999999999999`,
	} {
		if isExact([]byte(number)) {
			t.Errorf("%s is accepted", number)
		}
	}
}
