package ecsmcp.personas.region_and_production_test

import data.ecsmcp.samples

bounded(access) := samples.bounded("deployment", access)

tagged(action, value) := samples.on(action, samples.ecs("service/shop/web"), {"aws:ResourceTag/Environment": value})

in_region(action, region) := samples.on(action, "*", {"aws:RequestedRegion": region})

test_production_is_not_deleted[action] if {
	some action in [
		"ecs:DeleteService", "ecs:DeleteCluster", "ecs:DeleteTaskSet", "ecs:DeleteTaskDefinitions",
		"ecs:DeleteCapacityProvider", "ecs:DeleteExpressGatewayService", "ecs:DeregisterTaskDefinition",
	]
	r := bounded(tagged(action, "production"))
	r.decision == "explicitDeny"
	r.layer == "boundary"
	r.statements == ["region-and-production/ProductionProtection"]
}

test_production_in_another_spelling_is_production[value] if {
	some value in ["production", "Production", "PRODUCTION", "prod", "Prod"]
	bounded(tagged("ecs:DeleteService", value)).decision == "explicitDeny"
}

test_what_is_not_production_is_deleted[value] if {
	some value in ["staging", "preproduction", "non-prod"]
	bounded(tagged("ecs:DeleteService", value)).decision == "allowed"
}

test_untagged_is_not_production if {
	bounded(samples.on("ecs:DeleteService", samples.ecs("service/shop/web"), {})).decision == "allowed"
}

test_unknown_tag_is_taken_for_production if {
	access := object.union(samples.on("ecs:DeleteService", samples.ecs("service/shop/web"), {}), {"unknown": ["aws:ResourceTag/*"]})
	r := bounded(access)
	r.decision == "explicitDeny"
	r.unknown == ["aws:ResourceTag/Environment"]
	r.possible
}

test_production_is_updated if bounded(tagged("ecs:UpdateService", "production")).decision == "allowed"

test_another_region_is_denied[action] if {
	some action in ["ecs:ListClusters", "ecr:DeleteRepository", "cloudformation:DeleteStack", "elasticloadbalancing:DeleteLoadBalancer", "logs:CreateLogGroup"]
	r := bounded(in_region(action, "us-west-2"))
	r.decision == "explicitDeny"
	r.statements == ["region-and-production/RegionRestriction"]
}

test_a_region_that_nobody_said_is_denied if {
	r := bounded({"action": "ecs:ListClusters", "resource": "*", "context": {}, "unscopable": true})
	r.decision == "explicitDeny"
	r.statements == ["region-and-production/RegionRestriction"]
}

test_global_services_have_no_region if {
	bounded(object.union(samples.on("iam:GetRole", samples.role("app-task"), {}), {"context": {"aws:RequestedRegion": "us-east-1"}})).decision == "allowed"
	every action in ["iam:GetRole", "sts:GetCallerIdentity", "route53:ListHostedZones", "support:DescribeCases", "cloudfront:ListDistributions"] {
		not "region-and-production/RegionRestriction" in bounded(in_region(action, "eu-west-1")).statements
	}
}

test_the_boundary_allows_what_it_is_not_about if {
	bounded(samples.unscoped("ecs:ListClusters")).statements == ["deployment/ECSFullAccess", "region-and-production/AllowAll"]
}

test_the_boundary_gives_nothing_by_itself if {
	samples.bounded("read_only_monitoring", tagged("ecs:DeleteService", "staging")).decision == "implicitDeny"
}
