package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"

	"golang.org/x/crypto/argon2"
)

// A passwordHash is what is kept of a password. Unlike a token, a password can
// be guessed, so its hash has to be slow.
type passwordHash struct{ salt, sum []byte }

func hashPassword(password string) passwordHash {
	salt := make([]byte, 16)
	rand.Read(salt)
	return passwordHash{salt, slowHash(password, salt)}
}

// hashing bounds the memory that people who sign in at once can make us use.
var hashing = make(chan struct{}, 4)

// matches reports whether password is the one. It waits for its turn, and fails
// if ctx ends before.
func (h passwordHash) matches(ctx context.Context, password string) (bool, error) {
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-hashing }()
	return subtle.ConstantTimeCompare(slowHash(password, h.salt), h.sum) == 1, nil
}

// slowHash is argon2id with the parameters that OWASP recommends: 19 MiB, two
// passes, one thread.
func slowHash(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, 2, 19*1024, 1, 32)
}
