package fakeaws

import "testing"

// A row says whether {OPERATOR: {"k": VALUES}} holds for a value of k.
func TestOperators(t *testing.T) {
	cases := []struct {
		name, operator, values string
		have                   string
		want                   bool
	}{
		{"equal strings", "StringEquals", `"a"`, "a", true},
		{"values are compared with case", "StringEquals", `"production"`, "Production", false},
		{"one of several values is enough", "StringEquals", `["a","b"]`, "b", true},
		{"StringEquals has no wildcards", "StringEquals", `"*"`, "a", false},
		{"a negated list means none of them", "StringNotEquals", `["a","b"]`, "b", false},
		{"a negated operator on another value", "StringNotEquals", `["a","b"]`, "c", true},
		{"IgnoreCase", "StringEqualsIgnoreCase", `"PROD"`, "prod", true},
		{"negated IgnoreCase", "StringNotEqualsIgnoreCase", `"PROD"`, "prod", false},
		{"StringLike with a star", "StringLike", `"pro*"`, "production", true},
		{"StringLike without a wildcard is exact", "StringLike", `"prod"`, "production", false},
		{"StringLike compares with case", "StringLike", `"production"`, "Production", false},
		{"a star matches a new line", "StringLike", `"a*b"`, "a\nb", true},
		{"StringNotLike", "StringNotLike", `"pro*"`, "production", false},
		{"operator names without their case", "stringLIKE", `"pro*"`, "production", true},
		{"unquoted booleans are text", "StringEquals", `true`, "true", true},
		{"unquoted numbers are text", "StringEquals", `7`, "7", true},
		{"Bool without case", "Bool", `"True"`, "true", true},
		{"Bool on something else", "Bool", `"true"`, "yes", false},
		{"numbers by value", "NumericEquals", `"1024"`, "1024.0", true},
		{"numbers that differ late", "NumericEquals", `"9007199254740993"`, "9007199254740992", false},
		{"a number with text behind it", "NumericEquals", `"12"`, "12abc", false},
		{"less", "NumericLessThan", `"10"`, "9", true},
		{"not less", "NumericLessThan", `"10"`, "10", false},
		{"at most", "NumericLessThanEquals", `"10"`, "10", true},
		{"greater", "NumericGreaterThan", `"10"`, "10.5", true},
		{"at least", "NumericGreaterThanEquals", `"10"`, "9.99", false},
		{"unequal numbers", "NumericNotEquals", `"10"`, "10.0", false},
		{"dates across zones", "DateEquals", `"2026-01-02T03:04:05Z"`, "2026-01-02T04:04:05+01:00", true},
		{"a later date", "DateGreaterThan", `"2026-01-02T03:04:05Z"`, "2026-01-02T03:04:06Z", true},
		{"not yet later", "DateGreaterThan", `"2026-01-02T03:04:05Z"`, "2026-01-02T03:04:05Z", false},
		{"a day", "DateLessThan", `"2026-01-02"`, "2026-01-01T23:59:59Z", true},
		{"epoch seconds and ISO", "DateLessThanEquals", `"1767323045"`, "2026-01-02T03:04:05Z", true},
		{"what is no date", "DateLessThan", `"2026-01-02"`, "soon", false},
		{"an address in a block", "IpAddress", `"10.0.0.0/8"`, "10.1.2.3", true},
		{"an address outside", "IpAddress", `"10.0.0.0/8"`, "11.1.2.3", false},
		{"everything", "IpAddress", `"0.0.0.0/0"`, "11.1.2.3", true},
		{"a lone address", "IpAddress", `"10.0.0.1"`, "10.0.0.1", true},
		{"another family is outside", "IpAddress", `"0.0.0.0/0"`, "2001:db8::1", false},
		{"IPv6", "IpAddress", `"2001:db8::/32"`, "2001:db8::1", true},
		{"NotIpAddress", "NotIpAddress", `"10.0.0.0/8"`, "10.1.2.3", false},
		{"NotIpAddress on what is no address", "NotIpAddress", `"10.0.0.0/8"`, "host", true},
		{"ARNs by segment", "ArnLike", `"arn:aws:ecs:*:*:cluster/p*"`, "arn:aws:ecs:us-east-1:1:cluster/prod", true},
		{"ArnEquals has wildcards too", "ArnEquals", `"arn:aws:ecs:*:*:cluster/prod"`, "arn:aws:ecs:us-east-1:1:cluster/prod", true},
		{"a star keeps within its segment", "ArnLike", `"arn:aws:ecs:*:cluster/prod"`, "arn:aws:ecs:us-east-1:1:cluster/prod", false},
		{"a value that is no ARN", "ArnLike", `"*"`, "prod", false},
		{"ArnNotLike", "ArnNotLike", `"arn:aws:ecs:*:*:cluster/prod"`, "arn:aws:ecs:us-east-1:1:cluster/dev", true},
		{"ArnNotEquals", "ArnNotEquals", `"arn:aws:ecs:*:*:cluster/prod"`, "arn:aws:ecs:us-east-1:1:cluster/prod", false},
		{"binary", "BinaryEquals", `"QQ=="`, "QQ==", true},
		{"other binary", "BinaryEquals", `"QQ=="`, "Qg==", false},
		{"Null false on a present key", "Null", `"false"`, "a", true},
		{"Null true on a present key", "Null", `true`, "a", false},
		{"IfExists on a present key compares", "StringEqualsIfExists", `"a"`, "b", false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			policy := one(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"` + tc.operator + `":{"k":` + tc.values + `}}`)
			got := simulate(t, Case{Identity: []string{policy}, Single: map[string]string{"K": tc.have}})
			if (got == "allowed") != tc.want {
				t.Errorf("%s %s on %q: %s", tc.operator, tc.values, tc.have, got)
			}
		})
	}
}

func TestOperatorsOnAnAbsentKey(t *testing.T) {
	holds := []string{
		"StringNotEquals", "StringNotLike", "StringNotEqualsIgnoreCase", "ArnNotLike", "ArnNotEquals",
		"StringEqualsIfExists", "StringLikeIfExists", "ArnLikeIfExists", "StringNotEqualsIfExists",
		"ForAllValues:StringEquals", "ForAllValues:StringLikeIfExists",
	}
	fails := []string{
		"StringEquals", "StringLike", "StringEqualsIgnoreCase", "ArnLike", "ArnEquals",
		"ForAnyValue:StringEquals", "ForAnyValue:StringNotEquals", "ForAnyValue:StringEqualsIfExists",
	}
	check := func(operator, value, want string) {
		t.Helper()
		policy := one(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"` + operator + `":{"k":"` + value + `"}}`)
		if got := simulate(t, Case{Identity: []string{policy}}); got != want {
			t.Errorf("%s: got %s, want %s", operator, got, want)
		}
	}
	for _, operator := range holds {
		check(operator, "arn:aws:ecs:::x", "allowed")
	}
	for _, operator := range fails {
		check(operator, "arn:aws:ecs:::x", "implicitDeny")
	}
	check("NumericNotEquals", "1", "allowed")
	check("NumericLessThan", "1", "implicitDeny")
	check("NumericLessThanIfExists", "1", "allowed")
	check("DateNotEquals", "2026-01-01", "allowed")
	check("DateGreaterThan", "2026-01-01", "implicitDeny")
	check("NotIpAddress", "10.0.0.0/8", "allowed")
	check("IpAddress", "10.0.0.0/8", "implicitDeny")
	check("Bool", "false", "implicitDeny")
	check("BoolIfExists", "true", "allowed")
	check("Null", "true", "allowed")
	check("Null", "false", "implicitDeny")
}

func TestMultiValuedKeys(t *testing.T) {
	cases := []struct {
		name, operator, values string
		have                   []string
		want                   bool
	}{
		{"all of them in the list", "ForAllValues:StringEquals", `["a","b"]`, []string{"a", "b"}, true},
		{"one of them outside", "ForAllValues:StringEquals", `["a","b"]`, []string{"a", "c"}, false},
		{"no value at all", "ForAllValues:StringEquals", `"a"`, []string{}, true},
		{"any of them in the list", "ForAnyValue:StringEquals", `["a","b"]`, []string{"c", "b"}, true},
		{"none of them", "ForAnyValue:StringEquals", `["a","b"]`, []string{"c"}, false},
		{"any of none", "ForAnyValue:StringLike", `"*"`, []string{}, false},
		{"negated all: no value matches any", "ForAllValues:StringNotEquals", `"a"`, []string{"b", "c"}, true},
		{"negated all with one that matches", "ForAllValues:StringNotEquals", `"a"`, []string{"b", "a"}, false},
		{"negated any: one value matches none", "ForAnyValue:StringNotEquals", `"a"`, []string{"a", "b"}, true},
		{"negated any with only matches", "ForAnyValue:StringNotEquals", `"a"`, []string{"a"}, false},
		{"without a set prefix it does not match", "StringEquals", `"a"`, []string{"a"}, false},
		{"nor does a negated operator", "StringNotEquals", `"b"`, []string{"a"}, false},
		{"Null sees it", "Null", `"false"`, []string{"a"}, true},
		{"prefixes without their case", "forallvalues:stringequals", `"a"`, []string{"a"}, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			policy := one(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"` + tc.operator + `":{"aws:TagKeys":` + tc.values + `}}`)
			got := simulate(t, Case{Identity: []string{policy}, Multi: map[string][]string{"aws:TagKeys": tc.have}})
			if (got == "allowed") != tc.want {
				t.Errorf("%s %s on %q: %s", tc.operator, tc.values, tc.have, got)
			}
		})
	}
	t.Run("a single value under a set operator is a set of one", func(t *testing.T) {
		policy := one(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"k":"a"}}`)
		if got := simulate(t, Case{Identity: []string{policy}, Single: map[string]string{"k": "a"}}); got != "allowed" {
			t.Error(got)
		}
	})
	t.Run("all operators and all keys must hold", func(t *testing.T) {
		policy := one(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":"a","l":"b"},"Bool":{"m":"true"}}`)
		single := map[string]string{"k": "a", "l": "b", "m": "true"}
		if got := simulate(t, Case{Identity: []string{policy}, Single: single}); got != "allowed" {
			t.Error(got)
		}
		for key := range single {
			less := map[string]string{"k": "a", "l": "b", "m": "true"}
			delete(less, key)
			if got := simulate(t, Case{Identity: []string{policy}, Single: less}); got != "implicitDeny" {
				t.Errorf("without %s: %s", key, got)
			}
		}
	})
}
