package train

import "fmt"

// syncReference makes the policy its own reference, after every so many steps.
func (t *Trainer) syncReference(step int) error {
	every := t.Algo.Needs().SyncRef
	if every == 0 || step%every != 0 {
		return nil
	}
	if err := t.openEarlier(); err != nil {
		return err
	}
	t.synced = step
	return t.earlier.Update()
}

// openEarlier makes room for a reference that follows: the second model, or beside an adapter that was switched off until
// now a copy of the adapter.
func (t *Trainer) openEarlier() (err error) {
	switch {
	case t.earlier != nil:
	case t.Reference != nil:
		t.earlier, err = t.Model.In(t.Reference)
	default:
		t.earlier, err = t.Model.CopyAdapter()
	}
	return err
}

// restoreReference reads back the reference that a checkpoint has, if it was not yet that of the start.
func (t *Trainer) restoreReference(path string, synced int) error {
	if synced == 0 {
		return nil
	}
	if err := t.openEarlier(); err != nil {
		return err
	}
	if err := t.earlier.Load(path); err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	t.synced = synced
	return nil
}
