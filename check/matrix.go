package check

import (
	"slices"

	"github.com/rcwizard/rcwizard/workspace"
)

// Matrix is the table of ports: who must reach what, and whether it does.
type Matrix struct {
	// Columns are the ports, by the host that they are on.
	Columns []Column `json:"columns"`
	Rows    []Row    `json:"rows"`
}

// Column is one port of one host.
type Column struct {
	Host    string `json:"host"`
	Port    int    `json:"port"`
	Service string `json:"service"`
}

// Row is what one host reaches, a cell for each column.
type Row struct {
	// From is World for the outside.
	From  string `json:"from"`
	Cells []Cell `json:"cells"`
}

// Cell is one edge. The zero Cell is none: that host need not reach that port.
type Cell struct {
	// ID is the id of the edge's finding.
	ID      string  `json:"id,omitempty"`
	Verdict Verdict `json:"verdict,omitempty"`
	// State is the outcome in a word or two: open, filtered, no route.
	State   string `json:"state,omitempty"`
	Skipped bool   `json:"skipped,omitempty"`
}

// matrix lays out the findings about edges.
func matrix(w workspace.Workspace, e Evidence, findings []Finding) Matrix {
	byID := make(map[string]Finding, len(findings))
	for _, f := range findings {
		byID[f.ID] = f
	}
	var m Matrix
	column, row := map[Path]int{}, map[string]int{}
	edges := append(Edges(w), ExternalEdges(w, e.External)...)
	for _, edge := range edges {
		to := Path{To: edge.To, Port: edge.Port}
		if _, ok := column[to]; !ok {
			column[to] = len(m.Columns)
			m.Columns = append(m.Columns, Column{Host: edge.To, Port: edge.Port, Service: edge.Service})
		}
	}
	for _, from := range append(w.HostNames(), World) {
		if slices.ContainsFunc(edges, func(edge Edge) bool { return edge.From == from }) {
			row[from] = len(m.Rows)
			m.Rows = append(m.Rows, Row{From: from, Cells: make([]Cell, len(m.Columns))})
		}
	}
	for _, edge := range edges {
		f := byID[edge.ID()]
		m.Rows[row[edge.From]].Cells[column[Path{To: edge.To, Port: edge.Port}]] = Cell{
			ID: f.ID, Verdict: f.Verdict, State: state(f.Kind), Skipped: f.Skipped,
		}
	}
	return m
}

// state is the word for a cell.
func state(kind Kind) string {
	switch kind {
	case "port-open", "port-open-service", "port-open-redirect", "external-answers":
		return "open"
	case "port-filtered", "world-filtered":
		return "filtered"
	case "port-rejected", "port-unreachable", "world-rejected":
		return "rejected"
	case "port-self-blocked", "external-blocked":
		return "blocked"
	case "port-no-route":
		return "no route"
	case "port-no-neighbour":
		return "no host"
	case "port-intercepted", "port-intercepted-silent", "port-elsewhere", "port-service-wrong", "port-service-another", "external-wrong":
		return "stranger"
	case "port-service-silent":
		return "silent"
	case "external-open":
		return "accepts"
	case "world-refused-unheard":
		return "answers"
	case "world-no-vantage":
		return "not seen"
	}
	return "unknown"
}
