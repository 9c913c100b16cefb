package svg

// Arms of a box-drawing character: which of the four ways its lines go from the
// middle of the cell, and how heavy each is.
type arms struct{ up, right, down, left uint8 }

const (
	light = 1
	heavy = 2
)

// boxes are the characters whose lines are drawn.
func boxes() map[rune]arms {
	return map[rune]arms{
		'─': {0, 1, 0, 1}, '━': {0, 2, 0, 2}, '│': {1, 0, 1, 0}, '┃': {2, 0, 2, 0},
		'┌': {0, 1, 1, 0}, '┏': {0, 2, 2, 0}, '┐': {0, 0, 1, 1}, '┓': {0, 0, 2, 2},
		'└': {1, 1, 0, 0}, '┗': {2, 2, 0, 0}, '┘': {1, 0, 0, 1}, '┛': {2, 0, 0, 2},
		'├': {1, 1, 1, 0}, '┣': {2, 2, 2, 0}, '┝': {1, 2, 1, 0}, '┠': {2, 1, 2, 0},
		'┤': {1, 0, 1, 1}, '┫': {2, 0, 2, 2}, '┥': {1, 0, 1, 2}, '┨': {2, 0, 2, 1},
		'┬': {0, 1, 1, 1}, '┳': {0, 2, 2, 2}, '┯': {0, 2, 1, 2}, '┰': {0, 1, 2, 1},
		'┴': {1, 1, 0, 1}, '┻': {2, 2, 0, 2}, '┷': {1, 2, 0, 2}, '┸': {2, 1, 0, 1},
		'┼': {1, 1, 1, 1}, '╋': {2, 2, 2, 2}, '┿': {1, 2, 1, 2}, '╂': {2, 1, 2, 1},
		'╴': {0, 0, 0, 1}, '╵': {1, 0, 0, 0}, '╶': {0, 1, 0, 0}, '╷': {0, 0, 1, 0},
		'╸': {0, 0, 0, 2}, '╹': {2, 0, 0, 0}, '╺': {0, 2, 0, 0}, '╻': {0, 0, 2, 0},
		'╼': {0, 2, 0, 1}, '╽': {1, 0, 2, 0}, '╾': {0, 1, 0, 2}, '╿': {2, 0, 1, 0},
	}
}

// rounded are the corners with an arc; each goes two ways.
func rounded() map[rune]arms {
	return map[rune]arms{'╭': {0, 1, 1, 0}, '╮': {0, 0, 1, 1}, '╯': {1, 0, 0, 1}, '╰': {1, 1, 0, 0}}
}

// block is a filled part of a cell, in eighths of its width and height, as
// opaque as ink says in hundredths.
type block struct{ x, y, w, h, ink int }

// blocks are the parts of each block character.
func blocks(r rune) []block {
	switch {
	case r == '▀':
		return []block{{0, 0, 8, 4, 100}}
	case r >= '▁' && r <= '█':
		n := int(r-'▁') + 1
		return []block{{0, 8 - n, 8, n, 100}}
	case r >= '▉' && r <= '▏':
		return []block{{0, 0, 7 - int(r-'▉'), 8, 100}}
	case r == '▐':
		return []block{{4, 0, 4, 8, 100}}
	case r >= '░' && r <= '▓':
		return []block{{0, 0, 8, 8, 25 * (int(r-'░') + 1)}}
	case r == '▔':
		return []block{{0, 0, 8, 1, 100}}
	case r == '▕':
		return []block{{7, 0, 1, 8, 100}}
	}
	// Which quarters: 1 upper left, 2 upper right, 4 lower left, 8 lower right.
	quarters := map[rune]int{'▖': 4, '▗': 8, '▘': 1, '▙': 13, '▚': 9, '▛': 7, '▜': 11, '▝': 2, '▞': 6, '▟': 14}[r]
	var out []block
	for i := range 4 {
		if quarters&(1<<i) != 0 {
			out = append(out, block{4 * (i % 2), 4 * (i / 2), 4, 4, 100})
		}
	}
	return out
}
