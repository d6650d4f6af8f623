package ecsmcp.personas.default_test

import data.ecsmcp.samples

test_samples[name] if {
	some name, case in samples.cases("default")
	samples.keeps(case)
}
