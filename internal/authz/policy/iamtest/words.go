package iamtest

// word is a value that a key may have.
type word struct {
	text  string
	needs Feature
}

func words(texts ...string) (all []word) {
	for _, text := range texts {
		all = append(all, word{text: text})
	}
	return all
}

// kind is a family of condition operators and of the values that they compare.
type kind struct {
	operators []string
	// values are what a request has, operands what a policy compares with beyond
	// them. An operand that is no value of the kind would be refused.
	values, operands []word
}

var kinds = map[string]kind{
	"text": {
		operators: []string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
	},
	"arn": {
		operators: []string{"ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"},
		values:    words(clusterARN, "arn:aws:ecs:us-east-1:123456789012:cluster/other", "arn:aws:ecs:eu-west-1:123456789012:cluster/shop", roleARN),
		operands: []word{
			{"arn:aws:ecs:*:*:cluster/shop", ""}, {"arn:aws:ecs:us-*:123456789012:cluster/*", ""}, {"arn:aws:ecs:us-east-1:123456789012:cluster/sho?", ""},
			{"arn:aws:*:*:*:*", ""}, {"arn:aws:ecs:us-east-1:123456789012:*", ""}, {"arn:aws:ecs:us-east-1:123456789012:Cluster/shop", ""},
			{"arn:aws:ecs:*", ShortConditions}, {"*", ShortConditions}, {"arn:aws:ECS:us-east-1:123456789012:cluster/shop", SegmentCase},
		},
	},
	"address": {
		operators: []string{"IpAddress", "NotIpAddress"},
		values:    append(words("10.0.0.1", "10.0.0.0", "10.1.2.3", "192.0.2.7", "2001:db8::1", "2001:db8::", "2001:db8:1::1"), word{"::ffff:10.0.0.1", MappedAddresses}),
		operands:  append(words("10.0.0.0/8", "10.0.0.1/32", "192.0.2.0/24", "10.1.2.200/24", "2001:db8::/32", "2001:db8::/48", "::/0"), word{"0.0.0.0/0", EverySource}, word{"::ffff:10.0.0.0/104", MappedAddresses}),
	},
	"number": {
		operators: []string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"},
		values:    append(words("256", "512", "256.0", "256.5", "-1", "0", "0256"), word{"9007199254740993", BigNumbers}, word{"9007199254740992", BigNumbers}),
	},
	"date": {
		operators: []string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
		values: append(words("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01", "2026-06-30T12:00:00.5Z", "2025-12-31T23:59:59Z"),
			word{"1767225600", EpochDates}, word{"1767225601", EpochDates}),
	},
	"bool":   {operators: []string{"Bool"}, values: words("true", "false", "True")},
	"binary": {operators: []string{"BinaryEquals"}, values: words("AQID", "AQIE", "AQ==")},
}

var kindNames = []string{"text", "arn", "address", "number", "date", "bool", "binary"}

// malformed are values of no kind but text.
var malformed = []word{
	{"12abc", Malformed}, {"abc", Malformed}, {"1e3", Malformed}, {"0x10", Malformed}, {" 5", Malformed}, {"10.0.0", Malformed}, {"arn:aws:ecs", Malformed},
	{"+5", SignedNumbers}, {"2026-13-01", ImpossibleDates}, {"2026-02-30T00:00:00Z", ImpossibleDates}, {"10.0.0.0/16", Malformed},
}

// key is a condition key with the values it has in requests.
type key struct {
	name  string
	kind  string
	multi bool
	words []word
}

// odd are texts that comparing may stumble over.
var odd = []word{
	{"*", ""}, {"web?", ""}, {"pro*", ""}, {"a.b", ""}, {"a+b", ""}, {"(web)", ""}, {"[w]eb", ""}, {`we\b`, ""}, {"web ", ""}, {"Web", ""}, {"wéb", ""}, {"WÉB", ""}, {"a:b", ""},
	{"${aws:RequestedRegion}", ""}, {"$", ""}, {"{}", ""}, {`w"b`, ""}, {"", EmptyValues}, {"a\nb", Newlines}, {"😀", Astral}, {"ſhop", OddFolding}, {"K", OddFolding}, {"\ue000", Marks}, {"\ue002", Marks},
}

// The keys are few, so that policy and request often name the same.
var keys = []key{
	{name: "aws:RequestedRegion", kind: "text", words: words("us-east-1", "eu-west-1", "us-east-2")},
	{name: "aws:ResourceTag/Environment", kind: "text", words: append(words("production", "staging", "Production", "web"), odd...)},
	{name: teamKey, kind: "text", words: append(words("web", "web", "api", "shop", "shop"), odd...)},
	{name: "aws:TagKeys", kind: "text", multi: true, words: append(words("Environment", "Team", "environment", "web"), odd...)},
	{name: "ecs:cluster", kind: "arn"},
	{name: "ecs:capacity-provider", kind: "arn", multi: true},
	{name: "aws:SourceIp", kind: "address"},
	{name: "ecs:task-cpu", kind: "number"},
	{name: "aws:CurrentTime", kind: "date"},
	{name: "aws:SecureTransport", kind: "bool"},
	{name: "signer:Digest", kind: "binary"},
}

const (
	// teamKey is what policies most often put into a text.
	teamKey    = "aws:PrincipalTag/team"
	clusterARN = "arn:aws:ecs:us-east-1:123456789012:cluster/shop"
	roleARN    = "arn:aws:iam::123456789012:role/path/task"
)

// values are the words that the key has in requests.
func (k key) values() []word {
	if k.words != nil {
		return k.words
	}
	return kinds[k.kind].values
}

// service is what a request may be about.
type service struct {
	actions, resources []string
}

var services = []service{
	{[]string{"ecs:DeleteService", "ecs:DescribeServices", "ecs:UpdateService"}, []string{
		"arn:aws:ecs:us-east-1:123456789012:service/shop/web", "arn:aws:ecs:us-east-1:123456789012:service/shop/api", "arn:aws:ecs:eu-west-1:123456789012:service/web/web",
		"arn:aws:ecs:us-east-1:123456789012:service/shop/a.b", "arn:aws:ecs:us-east-1:123456789012:service/shop/w(e)b+", "arn:aws:ecs:us-east-1:123456789012:service/shop/wéb"}},
	{[]string{"ecs:DeleteCluster", "ecs:DescribeClusters"}, []string{clusterARN, "arn:aws:ecs:us-east-1:123456789012:cluster/web"}},
	{[]string{"ecs:RunTask"}, []string{"arn:aws:ecs:us-east-1:123456789012:task-definition/web:3", "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:12"}},
	{[]string{"ecs:ListClusters", "ecs:DeregisterTaskDefinition"}, []string{"*"}},
	{[]string{"iam:PassRole"}, []string{roleARN, "arn:aws:iam::123456789012:role/web"}},
	{[]string{"logs:GetLogEvents"}, []string{"arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web:log-stream:web/1"}},
}
