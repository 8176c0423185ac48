package decoder

// Runs are the lengths of the prompt groups of consecutive rows. Gradients may add a run's rows two by two (bf16), so a
// run is only ever cut at an even row; runs themselves may be computed apart.

// groups gives the rows of each prompt group: a segment without a prefix begins one.
func (p Packed) groups() []int {
	var runs []int
	for _, s := range p.Segs {
		if s.PrefixLen == 0 {
			runs = append(runs, 0)
		}
		runs[len(runs)-1] += s.Len
	}
	return runs
}

// outRuns gives how many consecutive rows of Out lie in the same group.
func (p Packed) outRuns() []int {
	group := make([]int, 0, len(p.IDs)) // by row
	for i, n := range p.groups() {
		for range n {
			group = append(group, i)
		}
	}
	var runs []int
	for i, r := range p.Out {
		if i == 0 || group[r] != group[p.Out[i-1]] {
			runs = append(runs, 0)
		}
		runs[len(runs)-1]++
	}
	return runs
}

// cutRuns takes runs from the front, at most most rows in all, which is at least 2.
func cutRuns(runs []int, most int) (part, rest []int) {
	for i, n := range runs {
		if n <= most {
			most -= n
			continue
		}
		if n = most / 2 * 2; n == 0 {
			return runs[:i:i], runs[i:]
		}
		part = append(runs[:i:i], n)
		rest = append([]int{runs[i] - n}, runs[i+1:]...)
		return part, rest
	}
	return runs, nil
}

func total(runs []int) (rows int) {
	for _, n := range runs {
		rows += n
	}
	return rows
}
