package ecsmcp.personas.service_specific_test

import data.ecsmcp.samples

test_samples[name] if {
	some name, case in samples.cases("service_specific")
	samples.keeps(case)
}
