package ecsmcp.guardrails.region

# METADATA
# scope: document
# title: One region
# description: |
#   Every request of a call goes to the region that the proxy is configured for,
#   of whatever service it is. What names no region is refused too. Services
#   without a region of their own are exempt.
# custom:
#   remedy: Use the proxy of that region, or add the region to the setting regions.
deny contains {"message": message} if {
	input.regions != {input.region: true}
	some message in violations
}

default settings := {
	"regions": [],
	"global_services": ["cloudfront", "globalaccelerator", "iam", "organizations", "route53", "sts"],
}

settings := data.ecsmcp.config.personas[input.persona].guardrails.region

violations contains sprintf("%s would act in region %q, and this proxy is for %s", [access.action, region, concat(", ", sort(allowed))]) if {
	some access in input.accesses
	not is_exempt(access)
	some region in regions_of(access)
	not region in allowed
}

violations contains sprintf("%s would act in a region that cannot be told", [access.action]) if {
	some access in input.accesses
	count(regions_of(access)) == 0
	not is_exempt(access)
}

allowed := {region | some region in array.concat([input.region], settings.regions)}

regions_of(access) := {region |
	some key, value in access.context
	lower(key) == "aws:requestedregion"
	some region in [[value], value][_]
	is_string(region)
}

is_exempt(access) if access.global

is_exempt(access) if startswith(access.action, "mcp:")

is_exempt(access) if lower(split(access.action, ":")[0]) in settings.global_services
