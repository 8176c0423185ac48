package jsonscore

import "fmt"

// open steps over a bracket.
func (r *reader) open() *SyntaxError {
	if r.depth == MaxDepth {
		return &SyntaxError{Offset: r.pos, Reason: fmt.Sprintf("found more than %d open brackets", MaxDepth), want: overLimit}
	}
	r.depth++
	r.pos++
	return nil
}

func (r *reader) array() (Value, *SyntaxError) {
	v := Value{Kind: Array, From: r.pos}
	if err := r.open(); err != nil {
		return v, err
	}
	if r.pos = skipSpace(r.text, r.pos); r.peek() == ']' {
		return r.close(v), nil
	}
	for {
		item, err := r.value()
		if err != nil {
			return v, err
		}
		v.Items = append(v.Items, item)
		r.pos = skipSpace(r.text, r.pos)
		switch r.peek() {
		case ',':
			r.pos++
		case ']':
			return r.close(v), nil
		default:
			return v, r.fail(wantCommaOrClose, "',' or ']'")
		}
	}
}

func (r *reader) object() (Value, *SyntaxError) {
	v := Value{Kind: Object, From: r.pos}
	if err := r.open(); err != nil {
		return v, err
	}
	if r.pos = skipSpace(r.text, r.pos); r.peek() == '}' {
		return r.close(v), nil
	}
	for {
		m, err := r.member()
		if err != nil {
			return v, err
		}
		v.Members = append(v.Members, m)
		r.pos = skipSpace(r.text, r.pos)
		switch r.peek() {
		case ',':
			r.pos++
		case '}':
			return r.close(v), nil
		default:
			return v, r.fail(wantCommaOrClose, "',' or '}'")
		}
	}
}

func (r *reader) member() (Member, *SyntaxError) {
	if r.pos = skipSpace(r.text, r.pos); r.peek() != '"' {
		return Member{}, r.fail(wantKey, "a key in double quotes")
	}
	key, err := r.string()
	if err != nil {
		return Member{}, err
	}
	if r.pos = skipSpace(r.text, r.pos); r.peek() != ':' {
		return Member{}, r.fail(wantColon, "':'")
	}
	r.pos++
	v, err := r.value()
	return Member{key, v}, err
}

// close steps over the closing bracket of v.
func (r *reader) close(v Value) Value {
	r.depth--
	r.pos++
	v.To = r.pos
	return v
}
