package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// margin is how long before its end a token is renewed, so that it does not end
// on the way.
const margin = time.Minute

// A keeper keeps the token of a client in a file of the user's, for the user
// alone.
type keeper struct{ clientcredentials.Config }

// newKeeper returns one for the client that the environment names.
func newKeeper(server string) (*keeper, error) {
	secret := os.Getenv("CLIENT_SECRET")
	if name := os.Getenv("CLIENT_SECRET_FILE"); name != "" {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		secret = strings.TrimSpace(string(text))
	}
	k := &keeper{clientcredentials.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: secret,
		TokenURL:     server + "/oauth/token",
		AuthStyle:    oauth2.AuthStyleInHeader,
	}}
	if k.ClientID == "" || k.ClientSecret == "" {
		return nil, errors.New("CLIENT_ID, and CLIENT_SECRET or CLIENT_SECRET_FILE, must be set")
	}
	return k, nil
}

// path returns where the token is kept. Each server and client have a file of
// their own, so that no token is sent to another server.
func (k *keeper) path() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	of := sha256.Sum256([]byte(k.TokenURL + "\x00" + k.ClientID))
	return filepath.Join(dir, "keystile-cli", fmt.Sprintf("%x.json", of[:8])), nil
}

// token returns the token that is kept, if it is good for a while, or a new one.
func (k *keeper) token(ctx context.Context) (token *oauth2.Token, kept bool, err error) {
	path, err := k.path()
	if err != nil {
		return nil, false, err
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		token, err = k.renew(ctx)
		return token, false, err
	case err != nil:
		return nil, false, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" { // it has no such bits
		return nil, false, fmt.Errorf("%q: others can read it: remove it, and revoke the token in it", path)
	}
	if err := json.Unmarshal(text, &token); err == nil && token.Valid() && time.Until(token.Expiry) > margin {
		return token, true, nil
	}
	token, err = k.renew(ctx)
	return token, false, err
}

// renew gets a new token and keeps it. The file is there as a whole or not at all,
// however many of these commands run at once.
func (k *keeper) renew(ctx context.Context) (*oauth2.Token, error) {
	token, err := k.Token(ctx)
	if err != nil {
		return nil, err
	}
	path, err := k.path()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(token)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "*") // of mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) // does nothing once it has the other name
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return token, os.Rename(f.Name(), path)
}
