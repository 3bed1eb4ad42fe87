package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
	"github.com/keystile/keystile/store/redisstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// ServeArgument is the argument that makes a program the service: it must call
// Serve and nothing else.
const ServeArgument = "serve-soak"

// A job is what the service is told, and tells: with an Addr that is free.
type job struct {
	Engine, Source, Addr string
}

// Serve serves until in ends. It reads a job from there, and writes it to out
// once it listens.
func Serve(in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt) // a terminal interrupts us, too, but the audit needs an answer
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	handler, closeStore, err := open(j)
	if err != nil {
		return err
	}
	defer closeStore()
	listener, err := net.Listen("tcp", j.Addr)
	if err != nil {
		return err
	}
	j.Addr = listener.Addr().String()
	server := &http.Server{Handler: handler}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := json.NewEncoder(out).Encode(j); err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, in)
		server.Close()
	}()
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// open returns the service of a job.
func open(j job) (handler *http.ServeMux, closeStore func(), err error) {
	var st store.Store
	var closers []func()
	closeStore = func() {
		for _, f := range closers {
			f()
		}
	}
	ctx := context.Background()
	engine, _, cached := strings.Cut(j.Engine, "+")
	switch engine {
	case "memory":
		f := &faulty{Store: store.NewMemory()}
		if handler, err = newHandler(f); err == nil {
			handler.Handle("POST /fault", f)
		}
		return handler, closeStore, err
	case "sqlite":
		s, err := sqlite.Open(ctx, j.Source)
		if err != nil {
			return nil, nil, err
		}
		st, closers = s, append(closers, func() { s.Close() })
	case "postgres":
		s, err := postgres.Open(ctx, j.Source)
		if err != nil {
			return nil, nil, err
		}
		st, closers = s, append(closers, func() { s.Close() })
	case "redis":
		s, err := redisstore.Open(ctx, "redis://"+j.Source, redisstore.Config{Prefix: "soak"})
		if err != nil {
			return nil, nil, err
		}
		st, closers = s, append(closers, func() { s.Close() })
	default:
		return nil, nil, fmt.Errorf("soak: engine %q: there is none", j.Engine)
	}
	if cached {
		// As many as live, not all that there have ever been: memory is to be flat.
		c, err := cache.New(cache.Config{Store: st, Entries: 1000})
		if err != nil {
			return nil, nil, err
		}
		st, closers = c, append([]func(){func() { c.Close() }}, closers...)
	}
	handler, err = newHandler(st)
	return handler, closeStore, err
}
