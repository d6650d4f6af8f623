package ecsmcp.personas.read_only_monitoring_test

import data.ecsmcp.samples

test_samples[name] if {
	some name, case in samples.cases("read_only_monitoring")
	samples.keeps(case)
}
