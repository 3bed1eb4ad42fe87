package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/keystile/keystile/auth"
)

// A socket echoes what it is sent.
type socket struct {
	guard *auth.Guard
	every time.Duration // how often it checks again
}

// ServeHTTP opens the connection; the guard in front has authenticated r, and
// refused a cookie that another site sent along.
func (s socket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	conn, err := websocket.Accept(w, r, nil) // refuses what another origin sent, tokens included
	if err != nil {
		slog.InfoContext(r.Context(), "accept", "err", err)
		return
	}
	defer conn.CloseNow()
	valid, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		code, reason := s.watch(valid, r, id)
		cancel() // first: nothing is heard while the other side takes its time to close
		conn.Close(code, reason)
	}()

	err = conn.Write(valid, websocket.MessageText, []byte("Hello, "+id.Subject+"."))
	for err == nil {
		err = echo(r.Context(), valid, conn)
	}
	slog.InfoContext(r.Context(), "closed", "subject", id.Subject, "err", err)
}

// echo sends one message back, if valid is not done by then. With that context
// Read would end the connection without saying why.
func echo(ctx, valid context.Context, conn *websocket.Conn) error {
	kind, message, err := conn.Read(ctx)
	if err != nil {
		return err
	}
	return conn.Write(valid, kind, message)
}

// watch returns when r would no longer be let in, or ctx is done, with what to
// tell the other side. An outage counts as no longer: what cannot be checked is
// not believed, and the client is told to try again.
func (s socket) watch(ctx context.Context, r *http.Request, id *auth.Identity) (websocket.StatusCode, string) {
	for {
		wait := s.every
		if !id.ExpiresAt.IsZero() {
			wait = min(wait, time.Until(id.ExpiresAt))
		}
		select {
		case <-ctx.Done():
			return websocket.StatusNormalClosure, ""
		case <-time.After(wait):
		}
		_, err := s.guard.Authenticate(r) // Observe hears of it each time
		var e *auth.Error
		if !errors.As(err, &e) {
			continue
		}
		if e.Status() == http.StatusServiceUnavailable {
			return websocket.StatusTryAgainLater, e.Detail()
		}
		return websocket.StatusPolicyViolation, e.Detail()
	}
}
