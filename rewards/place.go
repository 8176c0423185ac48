package rewards

import "context"

// StopLength is the Stop of an attempt that the length limit cut.
const StopLength = "length"

// Place is which completion of a run an attempt is.
type Place struct {
	Step   int `json:"step"`
	Slot   int `json:"slot"`   // the prompt within the step
	Sample int `json:"sample"` // the completion of that prompt
}

type placeKey struct{}

// WithPlace tells the rewards below ctx which completion they judge, so that a deadline that strikes is recorded with
// it and a resumed run can replay the record.
func WithPlace(ctx context.Context, p Place) context.Context {
	return context.WithValue(ctx, placeKey{}, p)
}

// PlaceOf is the place that [WithPlace] set.
func PlaceOf(ctx context.Context) (Place, bool) {
	p, ok := ctx.Value(placeKey{}).(Place)
	return p, ok
}
