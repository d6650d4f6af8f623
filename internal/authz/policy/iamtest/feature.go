package iamtest

// Feature is something in a case that not every evaluator can judge.
type Feature string

// The features, each with what it lets a case hold.
const (
	UnknownKeys      Feature = "unknown keys"                   // condition keys that nobody could look up
	WideResources    Feature = "wide resources"                 // a request for "service/shop/*"
	EverySource      Feature = "0.0.0.0/0"                      // the block of all IPv4 addresses
	BareExclusions   Feature = "bare addresses, negated"        // an address without a prefix under NotIpAddress
	MappedAddresses  Feature = "mapped addresses"               // ::ffff:10.0.0.1
	EqualEscapes     Feature = "escapes under equality"         // ${*} ${?} ${$} under StringEquals and its like
	LiteralVariables Feature = "variables as text"              // ${…} in Version 2008-10-17, where it is text
	LostVariables    Feature = "negated lost variables"         // a variable without a value under a negated operator
	LostExclusions   Feature = "lost variables in NotResource"  // a variable without a value there
	MultiVariables   Feature = "variables of multi-valued keys" // ${aws:TagKeys, 'web'}
	ShortExclusions  Feature = "short ARNs in NotResource"      // arn:aws:ecs:*
	ShortConditions  Feature = "short ARNs in conditions"       // arn:aws:ecs:* or * under an ARN operator
	EpochDates       Feature = "epoch seconds"                  // 1767225600 for a date
	Malformed        Feature = "values of another kind"         // "12abc" under a numeric operator, no ARN under an ARN operator
	ImpossibleDates  Feature = "impossible dates"               // 2026-13-01
	SignedNumbers    Feature = "a plus sign"                    // +5
	BigNumbers       Feature = "numbers over 2^53"              // more digits than a float64 has
	EmptyValues      Feature = "empty values of variables"      // a tag without a text, an empty default
	SegmentCase      Feature = "case of ARN segments"           // arn:AWS:ECS:…
	Newlines         Feature = "line breaks in values"          // "a\nb"
	Astral           Feature = "characters beyond 16 bits"      // "😀"
	OddFolding       Feature = "characters of odd case"         // "ſ" folds onto "s"
	Marks            Feature = "private-use characters"         // those that rego/iam marks literals with
	EmptySets        Feature = "sets without values"            // a multi-valued key with none
	ProductWildcards Feature = "wildcards in the type"          // "ser*/shop/web"
	SegmentVariables Feature = "variables anywhere in ARNs"     // in a condition's ARN before its resource part
)

// Lacks names the features that an evaluator cannot judge, with the reason.
type Lacks map[Feature]string

// FakeAWS is what the evaluator of internal/fakeaws lacks.
var FakeAWS = Lacks{
	UnknownKeys:      "to AWS a key is there or not",
	WideResources:    "AWS compares one resource",
	LostVariables:    "IAM's pages disagree; there such a condition never holds, here a Deny with one fires",
	Malformed:        "it takes no value for an ARN that has not six segments; to rego/iam the pattern alone counts",
	MappedAddresses:  "IAM's pages do not say what ::ffff:10.0.0.1 is; there it is IPv4 in a request and IPv6 in a policy",
	ImpossibleDates:  "rego/iam ends such an evaluation, so that the call is refused; there the date matches nothing",
	SignedNumbers:    "it reads +5; to rego/iam that is no number",
	OddFolding:       "it folds case as Unicode does, rego/iam by lower case",
	Marks:            "rego/iam reserves three private-use characters: a variable with one has no value",
	SegmentVariables: "it takes variables in the resource part of a Resource only, as IAM's pages say",
}

// Oracle is what @cloud-copilot/iam-simulate lacks. Letters are defects of it that
// were found by comparing, or in its source.
var Oracle = Lacks{
	UnknownKeys:      "it knows no unknown keys",
	WideResources:    "it takes a wide resource for an example of itself, here all of it must be allowed",
	EverySource:      "(a) 0.0.0.0/0 matches nothing: a shift by 32 bits",
	BareExclusions:   "(b) NotIpAddress with an address of one family does not hold for one of the other",
	EqualEscapes:     "(c) ${*}, ${?} and ${$} stay as they are under StringEquals and its like",
	LiteralVariables: "(d) Version 2008-10-17 has variables, too",
	LostVariables:    "(e) a negated condition with a variable without a value holds only if its key is absent; here it is in doubt; IAM's pages disagree",
	ShortExclusions:  "(f) NotResource with a short ARN of another service does not match",
	EpochDates:       "(g) epoch seconds are compared with milliseconds",
	Malformed:        "(h) 12abc is the number 12, and no value of another kind satisfies a negated operator",
	BigNumbers:       "(h) numbers are float64",
	SignedNumbers:    "(h) +5 is a number",
	ImpossibleDates:  "(g) dates are read as JavaScript does",
	EmptyValues:      "(i) an empty value is a missing one",
	SegmentCase:      "(j) partition, service, region and account compare without case",
	Newlines:         "(k) * and ? do not match a line break",
	ShortConditions:  "(m) a short ARN, or *, under an ARN operator matches nothing, negated or not",
	SegmentVariables: "(n) an ARN is cut at the colons of its variables",
	ProductWildcards: "(o) what stands before the first slash or colon of a resource has neither wildcards nor variables",
	EmptySets:        "(p) a multi-valued key without values is present",
	Astral:           "(q) ? is half of a character beyond 16 bits",
	MappedAddresses:  "(r) ::ffff:10.0.0.1 is no IPv4 address",
	LostExclusions:   "(s) NotResource with a variable without a value does not match; IAM's pages leave it open",
	MultiVariables:   "(t) a variable of a multi-valued key has its default; IAM's pages say that such a key is no variable",
	Marks:            "rego/iam reserves three private-use characters: a variable with one has no value",
}
