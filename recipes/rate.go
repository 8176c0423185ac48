package recipes

// LoadRate is [Load] for the sake of the learning rate: it reads and checks algo, optim, rollout and train, and no more,
// so that a recipe that still wants a model or data has a curve to show. The other fields stay empty.
func LoadRate(nameOrFile string, overrides ...string) (*Recipe, error) {
	name, data, err := read(nameOrFile)
	if err != nil {
		return nil, err
	}
	return parse(name, data, overrides, func(d *decoder) *Recipe {
		r := &Recipe{}
		var file fileKeys
		d.mapping(d.root, "", &file)
		r.Algo = d.algo(file.Algo)
		d.checkOptim(r, d.rateSections(r, file))
		d.checkTrain(r.Train)
		return r
	})
}
