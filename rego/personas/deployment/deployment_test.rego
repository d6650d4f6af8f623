package ecsmcp.personas.deployment_test

import data.ecsmcp.samples

test_samples[name] if {
	some name, case in samples.cases("deployment")
	samples.keeps(case)
}
