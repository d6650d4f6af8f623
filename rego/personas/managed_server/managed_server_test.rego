package ecsmcp.personas.managed_server_test

import data.ecsmcp.samples

test_samples[name] if {
	some name, case in samples.cases("managed_server")
	samples.keeps(case)
}
