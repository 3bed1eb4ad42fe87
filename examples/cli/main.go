// Cli is a command that calls an API: it exchanges its client secret for a token,
// keeps that until a minute before it expires, and renews it.
//
//	CLIENT_ID=... CLIENT_SECRET_FILE=secret.txt go run ./examples/cli -server http://localhost:8080 /api/whoami
//
// The portal is such a server; ID and secret are what it prints after curl -u,
// before and after the colon. The secret comes from the file that CLIENT_SECRET_FILE
// names, or from CLIENT_SECRET, and never from the command line, which everybody on
// the machine can read. It does not ask a person to sign in: that is for OAuth's
// device or authorization code flow, which keystile has not.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("cli: ")
	server := flag.String("server", "http://localhost:8080", "`URL` of the API and of its /oauth/token")
	flag.Parse()
	if err := run(os.Stdout, strings.TrimSuffix(*server, "/"), cmp.Or(flag.Arg(0), "/api/whoami")); err != nil {
		log.Fatal(err)
	}
}

// run writes what the server answers to a GET of path.
func run(w io.Writer, server, path string) error {
	u, err := url.Parse(server)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme != "https" && u.Hostname() != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("server %q: must be https: a secret is sent to it", server)
	}
	if !strings.HasPrefix(path, "/") { // "@example.com" would make another server of it
		return fmt.Errorf("path %q: must begin with /", path)
	}
	source, err := newKeeper(server)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // secrets and tokens are for this server
	}}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client)

	token, kept, err := source.token(ctx)
	if err != nil {
		return err
	}
	res, err := get(client, server+path, token)
	if err == nil && res.StatusCode == http.StatusUnauthorized && kept { // it was revoked
		res.Body.Close()
		if token, err = source.renew(ctx); err != nil {
			return err
		}
		res, err = get(client, server+path, token)
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, res.Status)
	}
	_, err = io.Copy(w, res.Body)
	return err
}

func get(client *http.Client, url string, token *oauth2.Token) (*http.Response, error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	token.SetAuthHeader(r)
	return client.Do(r)
}
