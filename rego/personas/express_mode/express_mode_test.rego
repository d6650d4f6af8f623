package ecsmcp.personas.express_mode_test

import data.ecsmcp.samples

test_samples[name] if {
	some name, case in samples.cases("express_mode")
	samples.keeps(case)
}
