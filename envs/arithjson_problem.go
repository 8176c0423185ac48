package envs

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/burnish-rl/burnish/internal/rng"
)

// Few words, so that a vocabulary of about 440 holds each as one or two tokens.
var (
	arithNames   = strings.Fields("Tom Ana Ben Mia Sam Zoe Leo Ida Max Eva Kim Raj Lin Omar Nora Paul")
	arithObjects = strings.Fields("apples pens books coins cards shells eggs stamps marbles cups")
	arithLengths = []int{1, 1, 2, 2, 3} // steps
)

// problem is a generated word problem.
type problem struct {
	start int
	steps []step
	text  string
}

type step struct {
	op             byte // + - *
	before, by, to int
}

func (p problem) answer() int { return p.steps[len(p.steps)-1].to }

// reasoning is the steps as the wanted answer writes them: "12+7=19; 19*3=57".
func (p problem) reasoning() string {
	parts := make([]string, len(p.steps))
	for i, s := range p.steps {
		parts[i] = fmt.Sprintf("%d%c%d=%d", s.before, s.op, s.by, s.to)
	}
	return strings.Join(parts, "; ")
}

// split says where the problem belongs, by its numbers and operations alone: not by seed, names or wording.
func (p problem) split() string {
	key := strconv.Itoa(p.start)
	for _, s := range p.steps {
		key += string(s.op) + strconv.Itoa(s.by)
	}
	if h := sha256.Sum256([]byte(key)); (uint(h[0])<<8|uint(h[1]))%10 == 0 {
		return Test
	}
	return Train
}

// draws are the random choices of one attempt at one index.
type draws struct {
	seed    uint64
	index   uint64
	attempt uint32
}

// The places of an attempt's draws; a step has three from placeStep on.
const (
	placeName = iota
	placeObject
	placeLength
	placeStart
	placeForm
	placeStep
)

// among is in [0, n).
func (d draws) among(place uint32, n int) int {
	at := rng.At{A: uint32(d.index), B: uint32(d.index >> 32), C: d.attempt, D: place}
	return rng.Intn(d.seed, rng.Tasks, at, n)
}

func drawProblem(d draws) problem {
	name := arithNames[d.among(placeName, len(arithNames))]
	objects := arithObjects[d.among(placeObject, len(arithObjects))]
	p := problem{start: 2 + d.among(placeStart, 39)}
	text := fmt.Sprintf("%s has %d %s.", name, p.start, objects)
	now := p.start
	for k := range arithLengths[d.among(placeLength, len(arithLengths))] {
		place := uint32(placeStep + 3*k)
		ops := "+-*"
		switch {
		case now == 0:
			ops = "+" // nothing is left to lose
		case k > 0:
			ops = "+-" // products only first, or numbers grow too long
		}
		s, phrases := step{op: ops[d.among(place, len(ops))], before: now}, []string(nil)
		switch s.op {
		case '*':
			s.by = 2 + d.among(place+1, 4)
			s.to = now * s.by
			phrases = []string{"NAME gets NUMBER times as many."}
		case '+':
			s.by = 1 + d.among(place+1, 30)
			s.to = now + s.by
			phrases = []string{"NAME buys NUMBER more.", "A friend gives NAME NUMBER more.", "NAME finds NUMBER OBJECTS."}
		case '-':
			s.by = 1 + d.among(place+1, max(1, now-1))
			s.to = now - s.by
			phrases = []string{"NAME loses NUMBER.", "NAME gives away NUMBER.", "NAME sells NUMBER OBJECTS."}
		}
		phrase := phrases[d.among(place+2, len(phrases))]
		text += " " + strings.NewReplacer("NAME", name, "NUMBER", strconv.Itoa(s.by), "OBJECTS", objects).Replace(phrase)
		p.steps = append(p.steps, s)
		now = s.to
	}
	p.text = fmt.Sprintf("%s How many %s does %s have now?", text, objects, name)
	return p
}
