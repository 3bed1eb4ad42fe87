package storetest

import (
	"slices"
)

// A mutant is a store with one fault.
type mutant struct {
	fault   string
	caught  []string // the checks that are there to find it; others may find it too
	plant   func(m *mutable)
	inPlace bool // changes what it returned: to be kept from the racing checks, where the race detector would rightly complain
}

func mutants() []mutant {
	return slices.Concat(
		lookupMutants(),
		limitMutants(),
		listMutants(),
		revokeMutants(),
		rotateMutants(),
		touchMutants(),
		pruneMutants(),
		cancelMutants(),
		raceMutants(),
	)
}
