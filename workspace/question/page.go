package question

// Page is a page of the wizard that asks something.
type Page int

// The pages, in their order. Advanced is one that nobody has to open: every
// question on it has a default that is right for most.
const (
	Servers Page = iota
	Workspace
	Files
	Advanced
)

// Pages are all of them.
func Pages() []Page { return []Page{Servers, Workspace, Files, Advanced} }

// String is a word for the page, which a draft keeps: see PageOf.
func (p Page) String() string {
	switch p {
	case Servers:
		return "servers"
	case Workspace:
		return "workspace"
	case Files:
		return "files"
	case Advanced:
		return "advanced"
	}
	return ""
}

// Title is the page's name for people.
func (p Page) Title() string {
	switch p {
	case Servers:
		return "Servers"
	case Workspace:
		return "Workspace"
	case Files:
		return "Monitoring and files"
	case Advanced:
		return "Advanced"
	}
	return ""
}

// Intro says in one sentence what the page is about.
func (p Page) Intro() string {
	switch p {
	case Servers:
		return "The machines, and what each of them does."
	case Workspace:
		return "What users see, and which Rocket.Chat runs."
	case Files:
		return "Dashboards for you, and where uploaded files are kept."
	case Advanced:
		return "Nothing here has to be changed."
	}
	return ""
}
