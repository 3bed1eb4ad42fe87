package credential

import (
	"strings"

	"github.com/keystile/keystile/store"
)

// maxTries bounds the search for a digest or an ID that fits. One in 256 does, so
// all of these fail about once in 10^27 times; what does not fit works as well.
const maxTries = 1 << 14

// generate returns a new plaintext for subject, whose digest fits where the store
// is a [store.Placer]. It draws a plaintext and counts on from there, which is
// quicker than to draw each: all that fit stay equally likely, and 230 random bits
// remain.
func (m *Manager) generate(subject string) string {
	b := m.format.begin()
	plaintext := m.format.seal(b)
	if placer, ok := m.cfg.Store.(store.Placer); ok {
		for try := 0; try < maxTries && !placer.FitsDigest(subject, m.digester.digest(0, plaintext)); try++ {
			increment(b)
			plaintext = m.format.seal(b)
		}
	}
	return plaintext
}

// newID returns a new public ID for subject, which fits where the store is a
// [store.Placer].
func (m *Manager) newID(subject string) string {
	b := []byte(NewID())
	if placer, ok := m.cfg.Store.(store.Placer); ok {
		for try := 0; try < maxTries && !placer.FitsID(subject, string(b)); try++ {
			increment(b)
		}
	}
	return string(b)
}

// increment counts b, whose last three characters at least are of the alphabet, one
// up from its end.
func increment(b []byte) {
	for i := len(b) - 1; i >= len(b)-3; i-- {
		next := strings.IndexByte(alphabet, b[i]) + 1
		if next < len(alphabet) {
			b[i] = alphabet[next]
			return
		}
		b[i] = alphabet[0]
	}
}
