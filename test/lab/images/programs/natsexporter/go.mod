module github.com/rcwizard/rcwizard/test/lab/images/programs/natsexporter

go 1.26.0
