package way

import (
	"fmt"
	"strings"
)

// All returns every way, with n credentials where there is a store. Those of
// keystile come first.
func All(n int) ([]*Way, error) {
	var all []*Way
	for _, some := range []func() ([]*Way, error){
		func() ([]*Way, error) { return Ours(n) },
		func() ([]*Way, error) { return opaque(n) },
		jwts,
		sessionLibraries,
	} {
		ways, err := some()
		if err != nil {
			return nil, err
		}
		all = append(all, ways...)
	}
	return all, nil
}

// A Pair is a way and what it is measured by turns with.
type Pair struct{ Way, Reference *Way }

// Pairs returns what is to be compared: keystile with the floors, other
// libraries with keystile, refusals of theirs with the same one of ours.
func Pairs(all []*Way) ([]Pair, error) {
	byName := make(map[string]*Way)
	for _, w := range all {
		byName[w.Name] = w
	}
	var pairs []Pair
	for _, w := range all {
		for _, name := range references(w) {
			reference := byName[name]
			if reference == nil {
				return nil, fmt.Errorf("way %q: no way %q to compare it with", w.Name, name)
			}
			pairs = append(pairs, Pair{w, reference})
		}
	}
	return pairs, nil
}

// The names of what others are compared with.
const (
	FloorBearer  = "floor, bearer"
	FloorAEAD    = "floor, XChaCha20-Poly1305 cookie"
	FloorDefault = "floor, securecookie, NopEncoder"
	OursBearer   = "keystile, bearer"
	OursAEAD     = "keystile, AEAD cookie"
	OursDefault  = "keystile, default cookie"
	NoContext    = ", no context"
)

func references(w *Way) []string {
	name, refusal, refused := strings.Cut(w.Name, ": ")
	switch {
	case strings.HasPrefix(name, "floor"):
		return nil
	case strings.HasPrefix(name, OursAEAD):
		return []string{FloorAEAD}
	case strings.HasPrefix(name, OursDefault):
		return []string{FloorDefault}
	case strings.HasPrefix(name, "keystile"):
		return []string{FloorBearer}
	case refused && w.header == "Cookie":
		return []string{OursAEAD + ": " + refusal}
	case refused && refusal == "garbage":
		return []string{OursBearer + ": malformed"}
	case refused:
		return []string{OursBearer + ": " + refusal}
	case w.header == "Cookie":
		return []string{OursAEAD, OursDefault}
	case strings.HasSuffix(name, NoContext):
		return []string{OursBearer + NoContext}
	}
	return []string{OursBearer}
}
