// Grpc is a gRPC service whose callers present their tokens in the metadata, as
// "authorization: Bearer ...".
//
//	go run ./examples/grpc
//
// The interceptors are in interceptor.go. The service is the health service of
// gRPC, so that there is no generated code to read, with a token required where
// usually there is none. It listens without TLS, on localhost; everywhere else a
// server needs grpc.Creds. It does not show streams that outlive their token:
// examples/websocket shows what to do about those.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
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
	server, err := newServer(tokens, throttle.Config{}, map[string][]string{
		healthpb.Health_Check_FullMethodName:                        {"health:read"},
		healthpb.Health_Watch_FullMethodName:                        {"health:read"},
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": nil, // for everybody with a token
	})
	if err != nil {
		log.Fatal(err)
	}
	healthpb.RegisterHealthServer(server, ward{health.NewServer()})
	reflection.RegisterV1(server)

	plain, _, err := tokens.Issue(context.Background(), bearer.Request{Subject: "ada", Name: "grpc"})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	for _, method := range []string{"Check", "Watch"} {
		fmt.Printf("go run github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3 -plaintext -H 'authorization: Bearer %s' %s grpc.health.v1.Health/%s\n",
			plain.Reveal(), listener.Addr(), method)
	}
	log.Fatal(server.Serve(listener))
}

// newServer returns a server whose methods take the scopes beside their names.
func newServer(tokens *bearer.Tokens, limits throttle.Config, scopes map[string][]string) (*grpc.Server, error) {
	limiter, err := throttle.New(limits)
	if err != nil {
		return nil, err
	}
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{tokens},
		Throttle:       limiter,
		Observe: func(ctx context.Context, ev auth.Event) {
			slog.InfoContext(ctx, "auth", "event", ev)
		},
	})
	if err != nil {
		return nil, err
	}
	g := gate{guard, scopes}
	return grpc.NewServer(grpc.UnaryInterceptor(g.unary), grpc.StreamInterceptor(g.stream)), nil
}

// A ward is a health service that knows who asks.
type ward struct{ *health.Server }

func (w ward) Check(ctx context.Context, r *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	id, _ := auth.FromContext(ctx)
	slog.InfoContext(ctx, "check", "subject", id.Subject)
	return w.Server.Check(ctx, r)
}
