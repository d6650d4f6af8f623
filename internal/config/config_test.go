package config

import (
	"strings"
	"testing"
	"time"
)

const good = `version: 1
aws: {region: us-east-1, endpoint: "http://127.0.0.1:5000"}
upstream:
  server: awslabs.ecs-mcp-server
  command: [ecs-mcp-server]
  env: {ALLOW_WRITE: "true"}
personas:
  reader: {identity: [read-only-monitoring], boundary: [region-and-production], role: "arn:aws:iam::123456789012:role/mcp-reader"}
principals:
  - {match: {kind: os-user}, persona: reader}
facts: {role: "arn:aws:iam::123456789012:role/mcp-facts", ttl: 5s}
audit: {file: audit.jsonl}
`

func TestParseCompletesWhatAFileLeavesOut(t *testing.T) {
	c, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if c.Facts.TTL.D() != 5*time.Second || c.Limits.CallTimeout != DefaultCallTimeout || c.ClientDetail != "full" || c.Mode != "enforce" {
		t.Errorf("defaults: %+v", c)
	}
	if got := c.Personas["reader"].MCP; len(got) != 1 || got[0] != "default" {
		t.Errorf("mcp documents = %v, want the default one", got)
	}
}

// persona is good with more in its persona.
func persona(more string) string {
	return strings.Replace(good, "role/mcp-reader\"", "role/mcp-reader\", "+more, 1)
}

func TestParseTakesWhatIsSentWithAssumeRole(t *testing.T) {
	c, err := Parse([]byte(persona("external_id: \"ticket:7/a\", session_tags: {pass: [uid], set: {Cost Center: \"x@y\", Empty: \"\"}}, transitive: [uid, Cost Center, persona]")))
	if err != nil {
		t.Fatal(err)
	}
	p := c.Personas["reader"]
	if p.ExternalID != "ticket:7/a" || len(p.SessionTags.Pass) != 1 || p.SessionTags.Set["Cost Center"] != "x@y" || len(p.Transitive) != 3 || c.AWS.SourceIdentity != SourcePrincipal || len(c.Warnings()) != 0 {
		t.Errorf("%+v, warnings %q", p, c.Warnings())
	}
	c, err = Parse([]byte(persona("session_tags: {pass: [team]}")))
	if err != nil || !strings.Contains(strings.Join(c.Warnings(), "\n"), "so team is never passed on") {
		t.Errorf("%v, warnings %q", err, c.Warnings())
	}
}

func TestParseNamesEachMistakeWithItsLine(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       []string
	}{
		{"an unknown key", good + "reigon: us-east-1\n", []string{"line 13: unknown key reigon; known here: admin, audit, aws,"}},
		{"a slip of the finger in a key", strings.Replace(good, "upstream:", "upstraem:", 1), []string{`unknown key upstraem; known here: admin, `, `; did you mean "upstream"?`}},
		{"an unknown nested key", strings.Replace(good, "ttl:", "tll:", 1), []string{"line 11: unknown key facts.tll; known here: role, ttl"}},
		{"a key that is there twice", good + "version: 1\n", []string{"version"}},
		{"a number where a string belongs", strings.Replace(good, `"true"`, "1", 1), []string{"line 6: upstream.env.ALLOW_WRITE must be a string; put it in quotes"}},
		{"a list where a mapping belongs", strings.Replace(good, "{file: audit.jsonl}", "[a]", 1), []string{"line 12: audit must be a mapping"}},
		{"a key without a value", strings.Replace(good, "{file: audit.jsonl}", "", 1), []string{"audit has no value"}},
		{"a duration without a unit", strings.Replace(good, "5s", "5", 1), []string{"line 11: facts.ttl must be a duration such as 10s"}},
		{"two mistakes at once", strings.NewReplacer("us-east-1", "east", "role/mcp-reader", "user/x").Replace(good),
			[]string{"line 2: aws.region must name", "line 8: personas.reader.role must be the ARN"}},
		{"an unknown key and a wrong value at once", strings.Replace(good, "us-east-1", "east", 1) + "reigon: us-east-1\n", []string{"line 13: unknown key reigon", "line 2: aws.region must name"}},
		{"an AWS_ variable for the server", strings.Replace(good, "ALLOW_WRITE", "AWS_PROFILE", 1), []string{"line 6: upstream.env.AWS_PROFILE: the proxy alone"}},
		{"a principal without a persona", strings.Replace(good, "persona: reader", "persona: writer", 1), []string{`line 10: principals[0].persona: there is no persona "writer"; known: reader`}},
		{"facts of another account", strings.Replace(good, "123456789012:role/mcp-facts", "210987654321:role/mcp-facts", 1), []string{"line 11: facts.role is of another account"}},
		{"another version", strings.Replace(good, "version: 1", "version: 2", 1), []string{"line 1: version must be 1"}},
		{"no region", strings.Replace(good, "region: us-east-1, ", "", 1), []string{"aws.region must name"}},
		{"another mode", strings.Replace(good, "version: 1", "version: 1\nmode: audit", 1), []string{"line 2: mode must be enforce or shadow"}},
		{"a switch that is not true or false", good + "listing: {operations: \"yes\"}\n", []string{"line 13: listing.operations must be true or false"}},
		{"traces without a collector", good + "traces: {sample_percent: 5}\n", []string{"line 13: traces needs endpoint"}},
		{"a collector without a path", good + "traces: {endpoint: \"http://127.0.0.1:4318\"}\n", []string{"line 13: traces.endpoint must be the whole URL"}},
		{"a collector of another scheme", good + "traces: {endpoint: \"grpc://127.0.0.1:4317/x\"}\n", []string{"line 13: traces.endpoint must be an http or https URL"}},
		{"a collector's secret over plain http", good + "traces: {endpoint: \"http://otel.example/v1/traces\", headers_file: h}\n", []string{"line 13: traces.endpoint must be https"}},
		{"more traces than all", good + "traces: {endpoint: \"http://127.0.0.1:4318/v1/traces\", sample_percent: 101}\n", []string{"line 13: traces.sample_percent must be between 1 and 100"}},
		{"an alias", good + "client_detail: &x full\n", []string{"anchors, aliases and tags are not read"}},
		{"a list where one value belongs", strings.Replace(good, "region: us-east-1", "region: [us-east-1]", 1), []string{"line 2: aws.region must be one value, not a list"}},
		{"a list where a document has one name", strings.Replace(good, "role/mcp-reader\"", "role/mcp-reader\", values: {cluster: [a, b]}", 1),
			[]string{"line 8: personas.reader.values.cluster must be one value, not a list; for more, write a document of your own: ecs-mcp-proxy policy show --document NAME --value cluster=…"}},
		{"a region of another partition", strings.Replace(good, "us-east-1", "cn-north-1", 1), []string{"line 8: personas.reader.role is of partition aws, but aws.region cn-north-1 is of aws-cn"}},
		{"a principal that is never reached", strings.Replace(good, "facts:", "  - {match: {kind: os-user, id: alice}, persona: reader}\nfacts:", 1), []string{"line 11: principals[1] is never reached: principals[0] matches first"}},
		{"a source identity from nowhere", strings.Replace(good, "region: us-east-1", "region: us-east-1, source_identity: none", 1), []string{"line 2: aws.source_identity must be principal or inherit"}},
		{"an external id outside STS's letters", persona("external_id: \"a b\""), []string{"line 8: personas.reader.external_id must be 2 to 1224"}},
		{"an external id of one letter", persona("external_id: a"), []string{"personas.reader.external_id must be"}},
		{"a tag of AWS's own", persona("session_tags: {set: {\"AWS:x\": a}}"), []string{"session_tags: AWS:x: keys that begin with aws: are AWS's own"}},
		{"a tag of the proxy's own", persona("session_tags: {pass: [Persona]}"), []string{"line 8: personas.reader.session_tags: Persona: the proxy itself sets persona, server, tool"}},
		{"tags that differ in case", persona("session_tags: {pass: [team], set: {Team: a}}"), []string{"session_tags: Team is there twice; AWS compares keys without case"}},
		{"a tag without a key", persona("session_tags: {pass: [\"\"]}"), []string{`session_tags: "" is no tag key`}},
		{"a tag value with a star", persona("session_tags: {set: {team: \"*\"}}"), []string{"personas.reader.session_tags.set.team must be at most 256 letters"}},
		{"a tag value that is too long", persona("session_tags: {set: {team: " + strings.Repeat("a", 257) + "}}"), []string{"session_tags.set.team must be at most 256"}},
		{"a tag key that is too long", persona("session_tags: {set: {" + strings.Repeat("a", 129) + ": b}}"), []string{"is no tag key: 1 to 128"}},
		{"too many tags", persona("session_tags: {pass: [" + strings.Join(strings.Split(strings.Repeat("a", 48), ""), "1,") + "]}"), []string{"session_tags has 48 tags; AWS takes 47 beside the proxy's own"}},
		{"a transitive tag that is none", persona("transitive: [team]"), []string{"personas.reader.transitive: team is no session tag; name one of session_tags, or persona, server, tool"}},
		{"a transitive tag twice", persona("transitive: [tool, tool]"), []string{"personas.reader.transitive: tool is there twice"}},
		{"waiting for a day", good + "limits: {wait: 24h}\n", []string{"line 13: limits.wait must be between 1s and 12h"}},
		{"waiting for an hour in a process of its own", good + "limits: {wait: 1h}\ncredentials: {delivery: process}\n", []string{"limits.wait must be at most 13m0s with credentials.delivery process"}},
		{"waiting for an hour for what was signed", good + "limits: {wait: 1h}\ncredentials: {delivery: sigv4}\n", []string{"limits.wait must be at most 13m0s with credentials.delivery sigv4"}},
		{"credentials by post", good + "credentials: {delivery: post}\n", []string{"line 13: credentials.delivery must be lease, process, sigv4 or none"}},
		{"reuse of everything", good + "credentials: {reuse: all}\n", []string{"line 13: credentials.reuse must be reads or none"}},
		{"an empty policy path", good + "policy: {paths: [\"\"]}\n", []string{"line 13: policy.paths: a path is empty"}},
		{"reloading sometimes", good + "policy: {reload: sometimes}\n", []string{"line 13: policy.reload must be on or off"}},
		{"a bundle from two places", good + "policy: {bundle: {file: a.tar.gz, url: \"https://x/a.tar.gz\"}}\n", []string{"line 13: policy.bundle has file and url"}},
		{"a bundle from nowhere", good + "policy: {bundle: {key: {id: a, algorithm: ES256, public_key: a.pem}}}\n", []string{"line 13: policy.bundle needs file or url"}},
		{"polling a file", good + "policy: {bundle: {file: a.tar.gz, polling: 5s}}\n", []string{"token_file, polling and wait are for url"}},
		{"a bundle over http", good + "policy: {bundle: {url: \"http://policy.example.com/a.tar.gz\"}}\n", []string{"line 13: policy.bundle.url must be https"}},
		{"a bundle with a password", good + "policy: {bundle: {url: \"https://u:p@policy.example.com/a.tar.gz\"}}\n", []string{"may not hold a user or password"}},
		{"a bundle of another scheme", good + "policy: {bundle: {url: \"file:///a.tar.gz\"}}\n", []string{"must be an https URL"}},
		{"polling all the time", good + "policy: {bundle: {url: \"https://x/a\", polling: 1ms, wait: 1h}}\n", []string{"policy.bundle.polling must be between", "policy.bundle.wait must be between"}},
		{"an empty key", good + "policy: {bundle: {file: a.tar.gz, key: {}}}\n", []string{"policy.bundle.key.id must name the key", "policy.bundle.key.algorithm must be one of", "policy.bundle.key.public_key must name"}},
		{"an empty key id", good + "policy:\n  bundle:\n    file: a.tar.gz\n    key: {id: \"\", algorithm: ES256, public_key: a.pem}\n", []string{"line 16: policy.bundle.key.id must name the key"}},
		{"a key that everybody can sign with", good + "policy: {bundle: {file: a.tar.gz, key: {id: a, algorithm: none, public_key: a.pem}}}\n", []string{"policy.bundle.key.algorithm must be one of"}},
		{"a shared secret", good + "policy: {bundle: {file: a.tar.gz, key: {id: a, algorithm: HS256, public_key: a.pem}}}\n", []string{"policy.bundle.key.algorithm must be one of"}},
		{"a key without a value", good + "policy: {bundle: {file: a.tar.gz, key: }}\n", []string{"policy.bundle.key has no value"}},
		{"a misspelled key", good + "policy: {bundle: {file: a.tar.gz, key: {di: a}}}\n", []string{"unknown key policy.bundle.key.di; known here: algorithm, id, public_key"}},
		{"a JWT of anybody", good + "listen: {auth: {jwt: {}}}\n", []string{"listen.auth.jwt.issuer: name the issuer", "listen.auth.jwt.audience: name what", "listen.auth.jwt needs one of jwks_url and jwks_file"}},
		{"keys over http", good + jwtWith("jwks_url: \"http://keys.example.com/\""), []string{"listen.auth.jwt.jwks_url must be an https URL"}},
		{"keys from two places", good + jwtWith("jwks_url: \"https://k.example/\", jwks_file: k.json"), []string{"needs one of jwks_url and jwks_file"}},
		{"a JWT without a signature", good + jwtWith("jwks_file: k.json, algorithms: [ES256, none]"), []string{`listen.auth.jwt.algorithms: "none" is not one of RS256`}},
		{"a JWT by a shared secret", good + jwtWith("jwks_file: k.json, algorithms: [HS256]"), []string{`listen.auth.jwt.algorithms: "HS256" is not one of RS256`}},
		{"an audience that is no URL", good + strings.Replace(jwtWith("jwks_file: k.json"), "https://m.example/mcp", "mcp", 1), []string{"listen.auth.jwt.resource must be"}},
		{"a tag without a claim", good + jwtWith("jwks_file: k.json, tags: {team: \"\"}"), []string{"listen.auth.jwt.tags.team: name the claim"}},
		{"half of a certificate", good + "listen: {tls: {cert: a.pem, both: certificate}}\n", []string{"listen.tls needs cert and key", "listen.tls.both must be refuse or token"}},
		{"limits that are none", good + "limits: {principal_sessions: -1, concurrency: -1, rate: -1, burst: 1000001}\n", []string{"limits.principal_sessions must be between", "limits.concurrency must be between", "limits.rate must be between", "limits.burst must be between"}},
		{"an empty file", "", []string{"empty"}},
		{"two documents", good + "---\nversion: 1\n", []string{"exactly one YAML document"}},
		{"no YAML at all", "{", []string{"not YAML"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.yaml))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

// jwtWith is the configuration of an issuer, with more in it.
func jwtWith(more string) string {
	return "listen: {auth: {jwt: {issuer: \"https://i.example\", audience: \"https://m.example/mcp\", " + more + "}}}\n"
}

func TestParseTakesABundle(t *testing.T) {
	for name, tt := range map[string]struct {
		yaml            string
		polling, wait   time.Duration
		signed, warning bool
	}{
		"from a file":                 {"{file: a.tar.gz}", 0, 0, false, false},
		"from an address":             {"{url: \"https://policy.example.com/a.tar.gz\"}", time.Minute, 10 * time.Second, false, true},
		"from this machine, and fast": {"{url: \"http://127.0.0.1:8181/a.tar.gz\", polling: 1s, wait: 2s}", time.Second, 2 * time.Second, false, true},
		"signed":                      {"{url: \"http://localhost/a\", token_file: t, key: {id: k, algorithm: ES256, public_key: k.pem}}", time.Minute, 10 * time.Second, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse([]byte(good + "policy: {bundle: " + tt.yaml + "}\n"))
			if err != nil {
				t.Fatal(err)
			}
			b := c.Policy.Bundle
			if b.Polling.D() != tt.polling || b.Wait.D() != tt.wait || (b.Key != nil) != tt.signed || (len(c.Warnings()) > 0) != tt.warning || c.Policy.Reload != "on" {
				t.Errorf("got %+v, warnings %q", c.Policy, c.Warnings())
			}
		})
	}
}

func TestDeliveryNoneIsWarnedAbout(t *testing.T) {
	for delivery, warned := range map[string]bool{"lease": false, "process": false, "none": true} {
		c, err := Parse([]byte(good + "credentials: {delivery: " + delivery + ", reuse: none}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if c.Credentials != (Credentials{delivery, "none"}) || strings.Contains(strings.Join(c.Warnings(), "\n"), "credentials.delivery is none") != warned {
			t.Errorf("%s: %+v, warnings %q", delivery, c.Credentials, c.Warnings())
		}
	}
	c, err := Parse([]byte(good))
	if err != nil || c.Credentials != (Credentials{DeliveryLease, ReuseReads}) {
		t.Errorf("default %+v, %v", c.Credentials, err)
	}
}

// Facts are those of one account; nobody knows at the start of which.
func TestRolesOfSeveralAccountsAreWarnedOf(t *testing.T) {
	for account, want := range map[string]bool{"123456789012": false, "999999999999": true} {
		c := &Config{Personas: map[string]Persona{"a": {Role: "arn:aws:iam::123456789012:role/a", Boundary: []string{"b"}}, "b": {Role: "arn:aws:iam::" + account + ":role/b", Boundary: []string{"b"}}}}
		if got := strings.Join(c.Warnings(), " "); strings.Contains(got, "several accounts") != want {
			t.Errorf("%s: %q", account, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("version: {1: 2}\n? x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		if err == nil && (c.Version != 1 || len(c.Personas) == 0 || c.AWS.Region == "") {
			t.Errorf("accepted an incomplete configuration: %+v", c)
		}
	})
}

func TestTokensInTheClearAreWarnedOf(t *testing.T) {
	for listen, want := range map[string]bool{"{}": false, "{address: \"0.0.0.0:80\", hosts: [m.example]}": true, "{address: \"0.0.0.0:443\", hosts: [m.example], tls: {cert: a, key: b}}": false} {
		c, err := Parse([]byte(good + "listen: " + listen + "\n"))
		if err != nil || strings.Contains(strings.Join(c.Warnings(), " "), "can be read on the way") != want {
			t.Errorf("%s: %v %v", listen, c.Warnings(), err)
		}
	}
}
