package credential

import (
	"errors"
	"fmt"

	"github.com/keystile/keystile/internal/grammar"
)

const (
	minImported = 32 // bytes
	minDistinct = 8  // different characters
)

// importedForm returns an error if s is not what an imported credential looks
// like: token68 characters, RFC 9110 section 11.2, as the Authorization header
// can carry no others.
func importedForm(s string) error {
	if len(s) < minImported || len(s) > maxPlaintext {
		return fmt.Errorf("plaintext of %d characters: must be %d to %d", len(s), minImported, maxPlaintext)
	}
	if !grammar.IsToken68(s) {
		return errors.New("plaintext: only A-Z a-z 0-9 - . _ ~ + / and, at the end, = are allowed")
	}
	return nil
}

// importable returns an error if plaintext must not be imported.
func (m *Manager) importable(plaintext string) error {
	switch {
	case !m.cfg.AcceptImported:
		return errors.New("Config.AcceptImported is not set, so nothing imported would be accepted")
	case m.format.claims(plaintext):
		return fmt.Errorf("plaintext: begins with %q, as those made here do", m.format.prefix)
	}
	if err := importedForm(plaintext); err != nil {
		return err
	}
	// Digests are fast, so what is imported must be beyond guessing. That
	// cannot be measured, but the worst can be told.
	distinct := make(map[byte]bool)
	for i := range len(plaintext) {
		distinct[plaintext[i]] = true
	}
	if len(distinct) < minDistinct {
		return fmt.Errorf("plaintext: only %d different characters: too easy to guess", len(distinct))
	}
	return nil
}
