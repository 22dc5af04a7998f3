package learn

import (
	"cmp"
	"slices"
	"strings"
)

// A group is the shapes that are one kind of message: they are the same but for words that have many values.
type group struct {
	sig    string   // of a shape that has the words; others that dominate adds may have more or fewer
	words  []string // between punctuation; "\x00" is any
	sides  []sides  // of each word, whether an equals sign stands beside it
	shapes []int
	lines  int
	rarest []int // places of words, see sortPlaces
}

const anyWord = "\x00"

// enough is how many different words make a place one of values, and not one of a few kinds of message.
const enough = 5

// merge puts shapes into groups.
func (t *table) merge() {
	var groups []*group
	for _, bucket := range t.buckets() {
		groups = append(groups, mergeBucket(bucket)...)
	}
	groups = t.dominate(groups)
	t.groups = groups
}

// buckets puts together the shapes that have the same punctuation, in the order of their first lines.
func (t *table) buckets() [][]*group {
	var buckets [][]*group
	index := map[string]int{}
	for i, s := range t.shapes {
		words, skeleton := splitWords(s.sig)
		if s.bare {
			skeleton = " " + skeleton
		}
		k, ok := index[skeleton]
		if !ok {
			k = len(buckets)
			index[skeleton] = k
			buckets = append(buckets, nil)
		}
		buckets[k] = append(buckets[k], &group{sig: s.sig, words: words, sides: sidesOf(skeleton), shapes: []int{i}, lines: s.lines})
	}
	return buckets
}

// sides tell whether a word is the key or the value of key=value.
type sides struct{ key, value bool }

func sidesOf(skeleton string) []sides {
	var all []sides
	for i := range len(skeleton) {
		if skeleton[i] == 'W' {
			all = append(all, sides{
				key:   i+1 < len(skeleton) && skeleton[i+1] == '=',
				value: i > 0 && skeleton[i-1] == '=',
			})
		}
	}
	return all
}

// splitWords gives the words of a signature and what is left without them.
func splitWords(sig string) (words []string, skeleton string) {
	var b strings.Builder
	for i := 0; i < len(sig); {
		j := i
		for j < len(sig) && isSigWord(sig[j]) {
			j++
		}
		if j == i {
			b.WriteByte(sig[i])
			i++
			continue
		}
		end := i + sigWordLen(sig[i:])
		words = append(words, sig[i:end])
		b.WriteByte('W')
		b.WriteString(sig[end:j])
		i = j
	}
	return words, b.String()
}

// sigWordLen is the length of the word that a part of a signature begins with, without a full stop or the like.
func sigWordLen[T string | []byte](sig T) int {
	end := 0
	for end < len(sig) && isSigWord(sig[end]) {
		end++
	}
	for end > 1 && class[sig[end-1]] == isJoin {
		end--
	}
	return end
}

func isSigWord(c byte) bool {
	k := class[c]
	return c == wild || k == isAlpha || k == isNumber || k == isJoin
}

// mergeBucket merges the groups of a bucket. A group's rarest words, by how many lines of the bucket have them in their
// places, are the likeliest values: the groups that differ only in the rarest word are looked at first, then those that
// differ in the two rarest, and so on.
func mergeBucket(groups []*group) []*group {
	places := len(groups[0].words)
	merged := true // since the words were counted last
	for drop := 1; drop <= max(1, places/2) && drop < places && len(groups) > 1; drop++ {
		if merged {
			sortPlaces(groups)
		}
		before := len(groups)
		groups = mergeDropping(groups, drop)
		merged = len(groups) < before
	}
	return groups
}

// sortPlaces sorts the places of each group's words, those that are any word aside, the rarest word first and of
// equally rare ones the last: a message begins with what it is about.
func sortPlaces(groups []*group) {
	count := make([]map[string]int, len(groups[0].words))
	for p := range count {
		count[p] = map[string]int{}
		for _, g := range groups {
			count[p][g.words[p]] += g.lines
		}
	}
	lines := make([]int, len(count))
	for _, g := range groups {
		g.rarest = g.rarest[:0]
		for p, w := range g.words {
			lines[p] = count[p][w]
			if w != anyWord {
				g.rarest = append(g.rarest, p)
			}
		}
		slices.SortFunc(g.rarest, func(a, b int) int { return cmp.Or(cmp.Compare(lines[a], lines[b]), cmp.Compare(b, a)) })
	}
}

func mergeDropping(groups []*group, drop int) []*group {
	index := map[string]int{}
	var alike [][]*group
	var key []byte
	for _, g := range groups {
		key = g.appendWithout(key[:0], drop)
		k, ok := index[string(key)]
		if !ok {
			k = len(alike)
			index[string(key)] = k
			alike = append(alike, nil)
		}
		alike[k] = append(alike[k], g)
	}
	var out []*group
	for _, a := range alike {
		if len(a) > 1 && allValues(a) {
			a = []*group{unite(a)}
		}
		out = append(out, a...)
	}
	if len(out) == len(groups) {
		return out
	}
	return absorb(out)
}

// appendWithout appends the words of a group to dst, without the rarest ones. One word at least is left.
func (g *group) appendWithout(dst []byte, drop int) []byte {
	dropped := g.rarest[:max(0, min(drop, len(g.rarest)-1))]
	for p, w := range g.words {
		if slices.Contains(dropped, p) {
			w = "\x01"
		}
		dst = append(append(dst, w...), 2)
	}
	return dst
}

// allValues tells whether all places in which these groups differ are places of values.
func allValues(groups []*group) bool {
	for p := range groups[0].words {
		if varies(groups, p) && !isPlaceOfValues(groups, p) {
			return false
		}
	}
	return true
}

func varies(groups []*group, p int) bool {
	for _, g := range groups[1:] {
		if g.words[p] != groups[0].words[p] {
			return true
		}
	}
	return false
}

// isPlaceOfValues tells from the words that stand at a place whether they are values. Words that have digits, dots or
// slashes in them count for more; those that come again and again, or are written as constants of programs are, for
// less: they may be the few words that tell kinds of message apart.
func isPlaceOfValues(groups []*group, p int) bool {
	lines := map[string]int{}
	total := 0
	for _, g := range groups {
		lines[g.words[p]] += g.lines
		total += g.lines
	}
	score := 0
	if groups[0].sides[p].value {
		score = plainWord
	}
	for w, n := range lines {
		switch {
		case w == anyWord:
			score += 3 * plainWord
		case strings.IndexByte(w, wild) >= 0:
			score += 2 * plainWord
		case groups[0].sides[p].key:
		case strings.Count(w, ".") > 1:
			score += 3 * plainWord
		case strings.ContainsAny(w, ".@/"):
			score += 2 * plainWord
		case isLoud(w) && n > 1:
			score += plainWord / 4
		case n >= often && n*10 >= total:
			score += plainWord / 2
		default:
			score += plainWord
		}
	}
	if p == 0 && lines[anyWord] == 0 {
		score /= 2 // a message seldom begins with a value
	}
	return score >= enough*plainWord
}

const (
	plainWord = 4 // the weight of a word
	often     = 5 // lines, and a tenth of them all, that make a word one of a few
)

// isLoud tells whether a word is written as constants of programs are: NEW, CONTAINER_REMOTE_LAUNCH.
func isLoud(w string) bool {
	for i := range len(w) {
		if c := w[i]; c-'A' >= 26 && c != '_' {
			return false
		}
	}
	return len(w) > 1
}

func unite(groups []*group) *group {
	u := &group{sig: groups[0].sig, words: slices.Clone(groups[0].words), sides: groups[0].sides}
	for p := range u.words {
		if varies(groups, p) {
			u.words[p] = anyWord
		}
	}
	for _, g := range groups {
		u.shapes = append(u.shapes, g.shapes...)
		u.lines += g.lines
	}
	slices.Sort(u.shapes)
	return u
}

// maxAbsorbing bounds the number of groups of a bucket that absorb others.
const maxAbsorbing = 200

// absorb adds to the groups with places of values those that are like them everywhere else.
func absorb(groups []*group) []*group {
	var large []*group
	for _, g := range groups {
		if len(g.shapes) > 1 {
			large = append(large, g)
		}
	}
	slices.SortStableFunc(large, func(a, b *group) int { return cmp.Compare(b.lines, a.lines) })
	gone := map[*group]bool{}
	for _, g := range large[:min(len(large), maxAbsorbing)] {
		if gone[g] {
			continue
		}
		like := []*group{g}
		for _, other := range groups {
			if other != g && !gone[other] && covers(g, other) {
				like = append(like, other)
				gone[other] = true
			}
		}
		if len(like) > 1 {
			*g = *unite(like)
		}
	}
	return slices.DeleteFunc(groups, func(g *group) bool { return gone[g] })
}

func covers(g, other *group) bool {
	for p, w := range g.words {
		if w != anyWord && w != other.words[p] {
			return false
		}
	}
	return true
}

// words are those of a shape's group, nil if the group took the shape in though its punctuation differs.
func (t *table) words(shape int) []string {
	s := t.shapes[shape]
	g := t.groups[s.group]
	if len(g.shapes) == 1 {
		return nil
	}
	words, _ := splitWords(s.sig)
	if len(words) != len(g.words) {
		return nil
	}
	for i, w := range words {
		if g.words[i] != anyWord && g.words[i] != w {
			return nil
		}
	}
	return g.words
}
