// Echo shows a Guard on github.com/labstack/echo: echo.WrapMiddleware takes
// Require as it is, and what the Guard refuses is answered as the Guard answers it.
//
// It does not show accounts, sessions or a store that outlives the process: the
// portal does.
//
//	go run ./examples/echo
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` to listen on; port 0 is a free one")
	flag.Parse()
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{tokens},
		Observe: func(ctx context.Context, ev auth.Event) {
			slog.InfoContext(ctx, "auth", "event", ev)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	plain, _, err := tokens.Issue(context.Background(), bearer.Request{Subject: "ada", Scopes: []string{"reports:read"}})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf(`Without a token, 401; with one that may read; 404, as the handler says; and 403, as it may not write:

curl -i http://%[1]s/api/reports/q3
curl -i http://%[1]s/api/reports/q3 -H 'Authorization: Bearer %[2]s'
curl -i http://%[1]s/api/reports/q4 -H 'Authorization: Bearer %[2]s'
curl -i -X DELETE http://%[1]s/api/reports/q3 -H 'Authorization: Bearer %[2]s'

Ctrl-C ends it.
`, listener.Addr(), plain.Reveal())
	log.Fatal(http.Serve(listener, routes(guard)))
}

func routes(guard *auth.Guard) http.Handler {
	e := echo.New()
	e.Use(middleware.Recover()) // before the guard: it lets a handler's panic pass
	api := e.Group("/api", require(guard, "reports:read"))
	api.GET("/reports/:id", show)
	e.DELETE("/api/reports/:id", remove, require(guard, "reports:write"))
	return e
}

// require is guard.Require for echo. A refusal is written already when it gets back
// to echo, with no error: HTTPErrorHandler is not asked.
func require(guard *auth.Guard, scopes ...string) echo.MiddlewareFunc {
	return echo.WrapMiddleware(guard.Require(scopes...))
}

func show(c *echo.Context) error {
	id, _ := auth.FromContext(c.Request().Context())
	if c.Param("id") != "q3" {
		return echo.ErrNotFound // the handler's own errors are echo's, as ever
	}
	return c.JSON(http.StatusOK, map[string]string{"id": c.Param("id"), "reader": id.Subject})
}

func remove(c *echo.Context) error { return c.NoContent(http.StatusNoContent) }
