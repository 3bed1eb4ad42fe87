package main

import (
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

func (h passwordHash) matches(password string) bool {
	return subtle.ConstantTimeCompare(slowHash(password, h.salt), h.sum) == 1
}

// hashing bounds the memory that people who sign in at once can make us use.
var hashing = make(chan struct{}, 4)

// slowHash is argon2id with the parameters that OWASP recommends: 19 MiB, two
// passes, one thread.
func slowHash(password string, salt []byte) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, 2, 19*1024, 1, 32)
}
