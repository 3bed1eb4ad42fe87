// Gin shows a Guard on github.com/gin-gonic/gin, which does not take the
// middleware of net/http: require, below, is what lies between the two.
//
// It does not show accounts, sessions or a store that outlives the process: the
// portal does.
//
//	go run ./examples/gin
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` to listen on; port 0 is a free one")
	flag.Parse()
	gin.SetMode(gin.ReleaseMode)
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
	fmt.Printf(`Without a token, 401; with one that may read; and 403, as it may not write:

curl -i http://%[1]s/api/reports/q3
curl -i http://%[1]s/api/reports/q3 -H 'Authorization: Bearer %[2]s'
curl -i -X DELETE http://%[1]s/api/reports/q3 -H 'Authorization: Bearer %[2]s'

Ctrl-C ends it.
`, listener.Addr(), plain.Reveal())
	log.Fatal(http.Serve(listener, routes(guard)))
}

func routes(guard *auth.Guard) http.Handler {
	r := gin.New()
	r.Use(gin.Recovery()) // before the guard: it lets a handler's panic pass
	api := r.Group("/api", require(guard, "reports:read"))
	api.GET("/reports/:id", func(c *gin.Context) {
		// The identity is in the request's context. gin's own context has it
		// only with Engine.ContextWithFallback.
		id, _ := auth.FromContext(c.Request.Context())
		c.JSON(http.StatusOK, gin.H{"id": c.Param("id"), "reader": id.Subject})
	})
	r.DELETE("/api/reports/:id", require(guard, "reports:write"), func(c *gin.Context) {
		c.Status(http.StatusNoContent)
	})
	return r
}

// require is guard.Require for gin. Once the guard has written a refusal, gin must
// be told not to go on: it would call the next handler whatever was written.
func require(guard *auth.Guard, scopes ...string) gin.HandlerFunc {
	middleware := guard.Require(scopes...)
	return func(c *gin.Context) {
		passed := false
		middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			passed = true
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}
