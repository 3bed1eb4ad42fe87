package storetest

import (
	"slices"
)

// A mutant is a store with one fault.
type mutant struct {
	fault  string
	caught []string // the checks that must find the fault; others may find it, too
	plant  func(m *mutable)
}

func mutants() []mutant {
	return slices.Concat(
		lookupMutants(),
		exactMutants(),
		timeMutants(),
		copyMutants(),
		limitMutants(),
		listMutants(),
		updateMutants(),
		revokeMutants(),
		rotateMutants(),
		touchMutants(),
		pruneMutants(),
		eraseMutants(),
		scanMutants(),
		cancelMutants(),
		raceMutants(),
		watchMutants(),
	)
}
