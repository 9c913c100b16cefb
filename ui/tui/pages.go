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
	if c.draft.Change != nil {
		return changePages(c)
	}
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

// changePages are those of a change to a workspace that was deployed. Nothing new
// comes to any host by a removal, so there is nothing to check.
func changePages(c *common) []entry {
	out := []entry{{pageStart, "Start", true, newStart(c)}}
	if c.adds() {
		out = append(out,
			entry{pageAdd, "Add instances", true, newAddition(c)},
			entry{pageCheck, "Check", true, newChecks(c)},
		)
	} else {
		out = append(out, entry{pageRemove, "Remove an instance", true, newRemoval(c)})
	}
	return append(out,
		entry{pageReview, "Review", true, newReview(c)},
		entry{pageDeploy, "Carry out", true, newDeploy(c)},
		entry{pageDone, "Done", true, newDone(c)},
		entry{pageFailure, "Failure", false, newFailure(c)},
	)
}
