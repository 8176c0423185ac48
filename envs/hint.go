package envs

// hinted is an error with a remedy. Whoever prints it asks for Hint() string and gives that a line of its own.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// Hint says what the user can do.
func (h hinted) Hint() string { return h.hint }
