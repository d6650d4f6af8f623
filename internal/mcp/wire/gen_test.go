package wire

import (
	"strings"

	"pgregory.net/rapid"
)

// The generator writes messages as text, so that it can write what no encoder
// would: keys twice, in other cases and spellings, odd numbers and white space.
// About one in three is acceptable.
var (
	oddKeys = []string{
		`"name"`, `"Name"`, `"n\u0061me"`, `"name\u0000"`, `"arguments"`, `"argument` + "\u017f" + `"`, `"ARGUMENTS"`, `"uri"`,
		`"_meta"`, `"tas` + "\u212a" + `"`, `"task"`, `"a"`, `"b"`, `"\ud83d\ude00"`, `"\ud800"`, `""`, `"__proto__"`, `"constructor"`,
	}
	oddScalars = []string{
		`0`, `-0`, `1`, `1.0`, `1e2`, `0.1`, `9007199254740991`, `9007199254740992`, `-9007199254740993`, `1e400`, `1e-400`, `123456789012345678901234567890`,
		`true`, `null`, `""`, `"safe"`, `"\u0073afe"`, `"{\"a\":1}"`, `"\u0000"`, `"\ud800"`, `"\ud83d\ude00"`, "\"\u2028\"", "\"\x7f\"", `"` + "\xff" + `"`, `NaN`, `01`,
	}
	oddMembers = []string{
		`"method":"ping"`, `"Method":"tools/call"`, `"ID":2`, `"result":{}`, `"params":{}`, `"extra":1`, `"jsonrpc":"2.0"`, `"id":2`,
	}
	spaces = []string{"", "", "", "", " ", "\t", "\r", "\n"}
)

func value(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "scalar") == 0 {
		if rapid.IntRange(0, 3).Draw(t, "plain") > 0 {
			return `"x"`
		}
		return rapid.SampledFrom(oddScalars).Draw(t, "value")
	}
	if rapid.Bool().Draw(t, "array") {
		return "[" + strings.Join(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return value(t, depth-1) }), 0, 3).Draw(t, "array"), ",") + "]"
	}
	return object(t, depth)
}

func object(t *rapid.T, depth int) string {
	var members []string
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		members = append(members, rapid.SampledFrom(oddKeys).Draw(t, "key")+":"+value(t, depth-1))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// call writes a tools/call, with some accidents.
func call(t *rapid.T) string {
	params := []string{`"name":"safe"`, `"arguments":` + object(t, 3)}
	if rapid.IntRange(0, 3).Draw(t, "odd params") == 0 {
		params = append(params, rapid.SampledFrom(oddKeys).Draw(t, "key")+":"+value(t, 2))
	}
	members := []string{
		`"jsonrpc":"2.0"`, `"id":` + rapid.SampledFrom([]string{`1`, `"1"`, `1.0`, `9007199254740993`, `null`}).Draw(t, "id"),
		`"method":"` + rapid.SampledFrom([]string{`tools/call`, `tools\/call`, `prompts/get`, `ping`}).Draw(t, "method") + `"`,
		`"params":{` + strings.Join(rapid.Permutation(params).Draw(t, "params"), ",") + "}",
	}
	if rapid.IntRange(0, 3).Draw(t, "odd members") == 0 {
		members = append(members, rapid.SampledFrom(oddMembers).Draw(t, "member"))
	}
	space := rapid.SampledFrom(spaces).Draw(t, "space")
	return "{" + space + strings.Join(rapid.Permutation(members).Draw(t, "members"), ","+space) + space + "}"
}
