package redisstore_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store/redisstore"
)

// T3: the files of the server contain no plaintext and no piece of one.
func TestOnlyDigestsAtRest(t *testing.T) {
	server := services.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always", "--rdbcompression", "no")
	tokens, err := bearer.New(bearer.Config{Store: openWith(t, redisstore.Config{Client: connect(t, server), Prefix: "test"})})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	first, c, err := tokens.Issue(ctx, bearer.Request{Subject: "ada", Name: "written to disk"})
	if err != nil {
		t.Fatal(err)
	}
	second, c, err := tokens.Rotate(ctx, "ada", c.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := tokens.Revoke(ctx, "ada", c.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Do("SAVE"); err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	seen := make(map[string]bool) // kinds of files that contain the name
	err = filepath.WalkDir(server.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files[path], err = os.ReadFile(path)
		if bytes.Contains(files[path], []byte("written to disk")) {
			seen[filepath.Ext(path)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !seen[".aof"] || !seen[".rdb"] {
		t.Fatalf("the token is in files of these kinds: %v, want .aof and .rdb", seen)
	}
	const piece = 12
	for _, plain := range []string{first.Reveal(), second.Reveal()} {
		for i := range len(plain) - piece + 1 {
			for path, content := range files {
				if bytes.Contains(content, []byte(plain[i:i+piece])) {
					t.Errorf("%s holds a piece of a plaintext", path)
				}
			}
		}
	}
}
