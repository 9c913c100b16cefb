package ui

import (
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// Review is what would be done, for a person to agree to.
type Review struct {
	// Hosts are in the order of the workspace.
	Hosts []HostFiles
	// Plan is what every step would do now, in the order of the plan.
	Plan []engine.StepReport
	// Estimate is how long it takes, about; zero where nobody can say.
	Estimate time.Duration
	// EstimateFrom says what the estimate is made of: "3.1 GB of images at the
	// speed of the check". Empty with no estimate.
	EstimateFrom string
	// Warnings are about the answers.
	Warnings workspace.Problems
}

// HostFiles are the files of one host.
type HostFiles struct {
	Host  string
	Roles []render.Role
	Files []ReviewFile
}

// ReviewFile is one file as it would be on a host.
type ReviewFile struct {
	// Path is absolute, on the host.
	Path string
	// Name is the path below the project's directory, as the guide has it.
	Name string
	// Mode is as ls has it: "-rw-------".
	Mode string
	// Content is the whole file, with every secret masked.
	Content string
	// Change is what would happen to it; empty: it is there as it should be.
	Change engine.ChangeKind
	// Before is what is there now, masked, where that may be shown.
	Before string
	// Remarks say where it differs from the guide, by line.
	Remarks []Remark
	// Left says of a file that stays as it is, although rcwizard would write
	// another one today, why it differs: "was edited by hand". Content is then
	// what is there, and Other, masked like it, what would be written; both are
	// empty where that may not be shown.
	Left  string
	Other string
}

// Remark is a word beside a line of a file.
type Remark struct {
	// Line counts from 1; 0 is about the whole file.
	Line int
	// Text goes on from "differs from the guide because".
	Text string
}
