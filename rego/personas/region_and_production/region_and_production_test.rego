package ecsmcp.personas.region_and_production_test

import data.ecsmcp.samples

test_samples[name] if {
	some name, case in samples.cases("region_and_production")
	samples.keeps(case)
}

# A boundary gives nothing by itself.
test_the_boundary_gives_nothing_by_itself if {
	access := samples.on("ecs:DeleteService", samples.ecs("service/shop/web"), {"aws:ResourceTag/Environment": "staging"})
	samples.bounded("read_only_monitoring", access).decision == "implicitDeny"
}

test_unknown_tag_is_taken_for_production_until_it_is_known if {
	access := samples.on("ecs:DeleteService", samples.ecs("service/shop/web"), {})
	r := samples.bounded("deployment", object.union(access, {"unknown": ["aws:ResourceTag/*"]}))
	r.decision == "explicitDeny"
	r.layer == "boundary"
	r.unknown == ["aws:ResourceTag/Environment"]
	r.possible
	r.needs == ["aws:ResourceTag/Environment"]
}

test_who_may_not_anyway_needs_no_tag if {
	access := samples.on("ecs:DeleteService", samples.ecs("service/shop/web"), {})
	r := samples.bounded("read_only_monitoring", object.union(access, {"unknown": ["aws:ResourceTag/*"]}))
	not r.possible
	r.needs == []
}

test_both_layers_are_named if {
	samples.bounded("deployment", samples.unscoped("ecs:ListClusters")).statements == ["deployment/ECSFullAccess", "region-and-production/AllowAll"]
}
