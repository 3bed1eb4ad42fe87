package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/keystile/keystile/auth"
)

// A gate lets in the calls whose token has the scopes of their method. Methods
// that have no entry are closed: a forgotten one is noticed, and not open.
type gate struct {
	guard  *auth.Guard
	scopes map[string][]string // by full method
}

func (g gate) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := g.authenticate(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (g gate) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := g.authenticate(ss.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return next(srv, identified{ss, ctx})
}

// An identified stream has the identity in its context.
type identified struct {
	grpc.ServerStream
	ctx context.Context
}

func (s identified) Context() context.Context { return s.ctx }

// codeOf is what a status of HTTP is in gRPC. All others are an outage.
var codeOf = map[int]codes.Code{
	http.StatusBadRequest:      codes.InvalidArgument,
	http.StatusUnauthorized:    codes.Unauthenticated,
	http.StatusForbidden:       codes.PermissionDenied,
	http.StatusTooManyRequests: codes.ResourceExhausted,
}

// authenticate returns ctx with the identity of the caller. A call is a request
// of HTTP/2, and as one the guard gets it: so the throttle sees it too, and any
// scheme of the guard that is in a header will do.
func (g gate) authenticate(ctx context.Context, method string) (context.Context, error) {
	scopes, ok := g.scopes[method]
	if !ok {
		return nil, status.Error(codes.PermissionDenied, "This method is closed.")
	}
	r := (&http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Path: method},
		Header: http.Header{"Authorization": metadata.ValueFromIncomingContext(ctx, "authorization")},
	}).WithContext(ctx)
	if p, ok := peer.FromContext(ctx); ok {
		r.RemoteAddr = p.Addr.String()
	}
	id, err := g.guard.Authenticate(r, scopes...)
	if err == nil {
		return auth.NewContext(ctx, id), nil
	}
	var e *auth.Error
	errors.As(err, &e) // it always is one, and a nil one is an outage
	code, ok := codeOf[e.Status()]
	if !ok {
		code = codes.Unavailable
	}
	return nil, status.Error(code, e.Detail())
}
