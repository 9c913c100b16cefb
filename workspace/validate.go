package workspace

// Validate says what is wrong with a completed workspace.
func (w Workspace) Validate() Problems              { return nil }
func grafanaNowhere(field string) Problem           { return Problem{Field: field} }
func didYouMean(name string, known []string) string { return "" }
