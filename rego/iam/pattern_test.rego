package ecsmcp.iam_test

import data.ecsmcp.iam

test_glob_matches[note] if {
	some note, tc in {
		"a star matches everything": ["*", ""],
		"a star at the end": ["Describe*", "DescribeServices"],
		"a star in the middle crosses slashes": ["service/*/web", "service/a/b/web"],
		"a question mark is one character": ["t?st", "test"],
		"regular expressions have no meaning": ["a.b[c]", "a.b[c]"],
		"a newline is a character": ["a*b", "a\nb"],
		"no wildcard means equal": ["abc", "abc"],
	}
	iam.glob_matches(tc[0], tc[1])
}

test_glob_does_not_match[note] if {
	some note, tc in {
		"case counts": ["web", "Web"],
		"a question mark is not nothing": ["t?st", "tst"],
		"a prefix is not enough": ["web", "web2"],
		"a dot is a dot": ["a.b", "axb"],
		"a bracket is a bracket": ["a[bc]*", "ab1"],
		"the end counts": ["*web", "web2"],
	}
	not iam.glob_matches(tc[0], tc[1])
}

test_arn_matches[note] if {
	some note, tc in {
		"a star matches any ARN": ["*", "arn:aws:ecs:us-east-1:1:cluster/a"],
		"a star matches what is no ARN": ["*", "*"],
		"wildcards in two segments": ["arn:aws:ecs:*:1:cluster/*", "arn:aws:ecs:eu-west-1:1:cluster/a"],
		"an empty segment": ["arn:aws:iam::1:role/x", "arn:aws:iam::1:role/x"],
		"the resource part keeps its colons": ["arn:aws:logs:r:1:log-group:/ecs/a:*", "arn:aws:logs:r:1:log-group:/ecs/a:log-stream:b"],
		"a short pattern runs to the end": ["arn:aws:ecs:*", "arn:aws:ecs:us-east-1:1:cluster/a"],
		"a short pattern may end inside a segment": ["arn:aws:ecs:us-*", "arn:aws:ecs:us-east-1:1:cluster/a"],
	}
	iam.arn_matches(tc[0], tc[1])
}

test_arn_does_not_match[note] if {
	some note, tc in {
		"another account": ["arn:aws:ecs:r:1:cluster/a", "arn:aws:ecs:r:2:cluster/a"],
		"another partition": ["arn:aws:ecs:r:1:cluster/a", "arn:aws-cn:ecs:r:1:cluster/a"],
		"a wildcard stays in its segment": ["arn:aws:ecs:*:cluster/a", "arn:aws:ecs:r:1:cluster/a"],
		"a star in the region does not swallow the account": ["arn:aws:ecs:*:2:cluster/a", "arn:aws:ecs:r:1:2:cluster/a"],
		"what follows the sixth colon counts": ["arn:aws:logs:r:1:log-group:/ecs/a", "arn:aws:logs:r:1:log-group:/ecs/b"],
		"a longer resource part": ["arn:aws:logs:r:1:log-group:/ecs/a", "arn:aws:logs:r:1:log-group:/ecs/a:log-stream:b"],
		"a short pattern without a star": ["arn:aws:ecs", "arn:aws:ecs:r:1:cluster/a"],
		"a specific ARN against an action without resources": ["arn:aws:ecs:r:1:task-definition/*:*", "*"],
		"case counts": ["arn:aws:ecs:r:1:cluster/A", "arn:aws:ecs:r:1:cluster/a"],
	}
	not iam.arn_matches(tc[0], tc[1])
}

test_wide_resource_is_covered[note] if {
	some note, tc in {
		"by a star": ["*", "arn:aws:ecs:r:1:task/shop/*"],
		"by itself": ["arn:aws:ecs:r:1:task/shop/*", "arn:aws:ecs:r:1:task/shop/*"],
		"by something wider": ["arn:aws:ecs:r:1:task/*", "arn:aws:ecs:r:1:task/shop/*"],
	}
	iam.arn_covers(tc[0], tc[1])
}

test_wide_resource_is_not_covered[note] if {
	some note, tc in {
		"by a part of it": ["arn:aws:ecs:r:1:task/shop/a*", "arn:aws:ecs:r:1:task/shop/*"],
		"by one of them": ["arn:aws:ecs:r:1:task/shop/a", "arn:aws:ecs:r:1:task/shop/*"],
		"by single characters": ["arn:aws:ecs:r:1:task/shop/?", "arn:aws:ecs:r:1:task/shop/*"],
		"by a literal star": [concat("", ["arn:aws:ecs:r:1:task/shop/", iam.star_mark]), "arn:aws:ecs:r:1:task/shop/*"],
		"by a literal question mark": [concat("", ["arn:aws:ecs:r:1:task/shop/", iam.question_mark]), "arn:aws:ecs:r:1:task/shop/?"],
	}
	not iam.arn_covers(tc[0], tc[1])
}

test_wide_resource_is_met[note] if {
	some note, tc in {
		"by one of them": ["arn:aws:ecs:r:1:task/shop/a", "arn:aws:ecs:r:1:task/shop/*"],
		"by a part of it": ["arn:aws:ecs:r:1:task/shop/a*", "arn:aws:ecs:r:1:task/shop/*"],
		"by something wider": ["arn:aws:ecs:*:1:*", "arn:aws:ecs:r:1:task/shop/*"],
		"by a longer end": ["arn:aws:ecs:r:1:*/b/a", "arn:aws:ecs:r:1:task/*/a"],
		"by a shorter end": ["arn:aws:ecs:r:1:*/a", "arn:aws:ecs:r:1:task/*/b/a"],
		"by a shorter beginning": ["arn:aws:ecs:r:1:t*", "arn:aws:ecs:r:1:task/shop/*"],
		"by what crosses it": ["arn:aws:ecs:r:1:task/*/a", "arn:aws:ecs:r:1:task/shop/*"],
	}
	iam.arn_overlaps(tc[0], tc[1])
}

test_wide_resource_is_not_met[note] if {
	some note, tc in {
		"in another cluster": ["arn:aws:ecs:r:1:task/other/*", "arn:aws:ecs:r:1:task/shop/*"],
		"with another end": ["arn:aws:ecs:r:1:task-definition/web:7", "arn:aws:ecs:r:1:task-definition/*:8"],
	}
	not iam.arn_overlaps(tc[0], tc[1])
}
