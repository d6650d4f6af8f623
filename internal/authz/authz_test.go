package authz

import (
	"encoding/json"
	"testing"
)

func TestZeroValuesRefuse(t *testing.T) {
	var d Decision
	if d.Allow || d.Possible(Request{}) || d.Granted(Request{}) != nil {
		t.Error("the zero decision allows")
	}
	var v Verdict
	if v != ImplicitDeny || v.String() != "implicitDeny" || Verdict(99).String() != "implicitDeny" || Verdict(-1).String() != "implicitDeny" {
		t.Error("the zero or an impossible verdict is not an implicit deny")
	}
}

func TestAVerdictIsOneOfThreeWords(t *testing.T) {
	for _, v := range []Verdict{ImplicitDeny, ExplicitDeny, Allowed} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var again Verdict
		if err := json.Unmarshal(b, &again); err != nil || again != v {
			t.Errorf("%s reads back as %v, %v", b, again, err)
		}
	}
	for _, word := range []string{`"allow"`, `"Allowed"`, `""`, `1`, `null`} {
		v := ImplicitDeny
		if err := json.Unmarshal([]byte(word), &v); v == Allowed {
			t.Errorf("%s reads as allowed (%v)", word, err)
		}
	}
}

func TestAContextValueKeepsWhetherItHasManyValues(t *testing.T) {
	tests := []struct {
		name, json string
		value      Value
	}{
		{"a single value", `"a"`, One("a")},
		{"an empty single value", `""`, One("")},
		{"many values", `["a","b"]`, Many("a", "b")},
		{"a set of one", `["a"]`, Many("a")},
		{"a set of none", `[]`, Many()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := json.Marshal(tt.value)
			if err != nil || string(b) != tt.json {
				t.Fatalf("%s, %v; want %s", b, err, tt.json)
			}
			var again Value
			if err := json.Unmarshal(b, &again); err != nil || again.Multi != tt.value.Multi || len(again.Values) != len(tt.value.Values) {
				t.Errorf("reads back as %+v, %v", again, err)
			}
		})
	}
	if _, err := json.Marshal(Value{Values: []string{"a", "b"}}); err == nil {
		t.Error("a single-valued key with two values was written")
	}
	if _, err := json.Marshal(Value{}); err == nil {
		t.Error("a single-valued key without a value was written")
	}
	var v Value
	if err := json.Unmarshal([]byte(`1`), &v); err == nil {
		t.Error("a number was read as a value")
	}
}

func TestUnknownKeysMatchByNameOrPrefixWithoutCase(t *testing.T) {
	a := Access{Unknown: []string{"aws:SourceIp", "aws:ResourceTag/*"}}
	for key, want := range map[string]bool{
		"aws:SourceIp": true, "AWS:sourceip": true, "aws:SourceIpX": false, "aws:ResourceTag/Environment": true,
		"aws:resourcetag/environment": true, "aws:ResourceTag/": true, "aws:ResourceTag": false, "aws:RequestTag/Environment": false, "": false,
	} {
		if got := a.IsUnknown(key); got != want {
			t.Errorf("%q: %t, want %t", key, got, want)
		}
	}
}

func TestADecisionCouldBecomeAnAllowOnlyIfEveryNeededAccessCould(t *testing.T) {
	possible, hopeless := AccessResult{Possible: true}, AccessResult{}
	needed, optional := Access{Action: "ecs:A"}, Access{Action: "ecs:B", Optional: true}
	tests := []struct {
		name     string
		decision Decision
		accesses []Access
		want     bool
	}{
		{"all could", Decision{Accesses: []AccessResult{possible, possible}}, []Access{needed, needed}, true},
		{"one needed could not", Decision{Accesses: []AccessResult{possible, hopeless}}, []Access{needed, needed}, false},
		{"one optional could not", Decision{Accesses: []AccessResult{possible, hopeless}}, []Access{needed, optional}, true},
		{"a guardrail denies", Decision{Accesses: []AccessResult{possible}, Denies: []Reason{{Code: "x"}}}, []Access{needed}, false},
		{"fewer answers than questions", Decision{Accesses: []AccessResult{possible}}, []Access{needed, needed}, false},
		{"nothing was asked", Decision{}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.decision.Possible(Request{Accesses: tt.accesses}); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
}

func TestOnlyWhatWasAllowedIsGranted(t *testing.T) {
	r := Request{Accesses: []Access{{Action: "ecs:A"}, {Action: "ecs:B", Optional: true}}}
	d := Decision{Allow: true, Accesses: []AccessResult{{Verdict: Allowed}, {Verdict: ExplicitDeny}}}
	if got := d.Granted(r); len(got) != 1 || got[0].Action != "ecs:A" {
		t.Errorf("granted %v", got)
	}
	d.Allow = false
	if got := d.Granted(r); got != nil {
		t.Errorf("a refused call is granted %v", got)
	}
}

func TestAnAccessOfTheProxyItselfIsNoAWSAccess(t *testing.T) {
	if !(Access{Action: "mcp:CallTool"}).IsMCP() || (Access{Action: "ecs:ListClusters"}).IsMCP() || (Access{}).IsMCP() {
		t.Error("mcp: is not told apart")
	}
}

func TestTheUserIsIdentified(t *testing.T) {
	p, err := OSUser()
	if err != nil || p.Kind != KindOSUser || p.ID == "" || p.Tags["uid"] == "" {
		t.Errorf("%+v, %v", p, err)
	}
}
