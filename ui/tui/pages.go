package tui

import "github.com/rcwizard/rcwizard/workspace/question"

// entry is a page with its name.
type entry struct {
	id    pageID
	title string
	// way says that the page is one of the way from Start to Done, which the
	// rail shows and the header counts.
	way  bool
	page page
}

// newPages makes every page for the draft that is open. Their order is the
// person's way; what is off the way stands behind.
func newPages(c *common) []entry {
	return []entry{
		{pageStart, "Start", true, newStart(c)},
		{pageServers, question.Servers.Title(), true, newServers(c)},
		{pageWorkspace, question.Workspace.Title(), true, newQuestions(c, question.Workspace, false)},
		{pageFiles, question.Files.Title(), true, newQuestions(c, question.Files, true)},
		{pageCheck, "Check", true, newChecks(c)},
		{pageReview, "Review", true, newReview(c)},
		{pageDeploy, "Deploy", true, newDeploy(c)},
		{pageDone, "Done", true, newDone(c)},
		{pageAdvanced, question.Advanced.Title(), false, newQuestions(c, question.Advanced, false)},
		{pageFailure, "Failure", false, newFailure(c)},
		{pageStatus, "Status", false, newStatus(c)},
	}
}
