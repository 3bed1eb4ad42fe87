// Portal is the reference application of keystile: a small API that accepts
// personal access tokens and the sessions of browsers, exchanges client secrets
// for tokens, and has pages to sign in, to manage tokens, secrets and sessions,
// and to administer accounts.
//
//	go run ./examples/portal
//
// It prints what to try. Credentials are kept in a SQLite file; the flag -store
// names another place.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/keystile/keystile/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "portal:", err)
		os.Exit(2)
	}
}

// run serves until ctx ends, and then lets requests finish.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("portal", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by main
	addr := flags.String("addr", "localhost:8080", "`host:port` to listen on; port 0 is a free one")
	storeName := flags.String("store", "sqlite:portal.db", "where credentials are kept: memory, sqlite:`path`, postgres://... or redis://...")
	var proxies proxyList
	flags.Var(&proxies, "proxies", "`networks` of the proxies in front, such as 10.0.0.0/8, whose X-Forwarded-For is to be believed; commas between them")
	asJSON := flags.Bool("json", false, "print one line of JSON, for programs, instead of what to try")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stderr)
		flags.Usage()
		return err
	} else if err != nil {
		return fmt.Errorf("%w; -help lists the flags", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; -help lists the flags", flags.Arg(0))
	}

	kept, err := openStore(ctx, *storeName)
	if err != nil {
		return err
	}
	defer kept.close()
	listener, err := net.Listen("tcp", *addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken by another program; choose another port, or 0 for a free one: go run ./examples/portal -addr localhost:0", *addr)
	} else if err != nil {
		return fmt.Errorf("-addr %s: %w; it must be like localhost:8080", *addr, err)
	}
	defer listener.Close()
	at := baseURL(*addr, listener)
	app, err := newApp(kept, at, slog.New(slog.NewTextHandler(stderr, nil)))
	if err != nil {
		return err
	}
	about, err := app.demo(ctx, at)
	if err != nil {
		return err
	}
	about.Kept = kept.about
	if err := about.print(stdout, *asJSON); err != nil {
		return err
	}

	go prune(ctx, kept)
	server := &http.Server{Handler: fromClients(proxies, app.routes()), ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}

// baseURL returns where the listener is reached from this machine.
func baseURL(addr string, l net.Listener) string {
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || host == "" || ip.IsUnspecified() {
		host = "localhost" // browsers keep the cookie for no other host without TLS
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "http://" + net.JoinHostPort(host, port)
}

// prune deletes old credentials once an hour: rotated ones 30 days after their end,
// so that their reuse is noticed until then, and all others after a day. keystile
// does not do this by itself.
func prune(ctx context.Context, st store.Store) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if _, err := st.Prune(ctx, store.PruneBefore{Rotated: now.AddDate(0, 0, -30), Ended: now.AddDate(0, 0, -1)}); err != nil {
				slog.ErrorContext(ctx, "prune", "err", err)
			}
		}
	}
}
