package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// A whoami answers every call with the subject of its caller.
type whoami struct {
	testpb.UnimplementedTestServiceServer
}

func (whoami) UnaryCall(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	id, _ := auth.FromContext(ctx)
	return &testpb.SimpleResponse{Username: id.Subject}, nil
}

func (whoami) FullDuplexCall(s testpb.TestService_FullDuplexCallServer) error {
	id, _ := auth.FromContext(s.Context())
	return s.Send(&testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: []byte(id.Subject)}})
}

func (whoami) EmptyCall(context.Context, *testpb.Empty) (*testpb.Empty, error) {
	panic("a closed method was called")
}

// A flaky store fails while it is down.
type flaky struct {
	store.Store
	down atomic.Bool
}

func (f *flaky) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if f.down.Load() {
		return nil, errors.New("out of order")
	}
	return f.Store.Find(ctx, k, d)
}

// serve runs a server with the interceptors, and returns what a client needs.
func serve(t *testing.T, limits throttle.Config) (testpb.TestServiceClient, *bearer.Tokens, *flaky) {
	t.Helper()
	st := &flaky{Store: store.NewMemory()}
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	server, err := newServer(tokens, limits, map[string][]string{
		testpb.TestService_UnaryCall_FullMethodName:      {"calls:make"},
		testpb.TestService_FullDuplexCall_FullMethodName: {"calls:make"},
	})
	if err != nil {
		t.Fatal(err)
	}
	testpb.RegisterTestServiceServer(server, whoami{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return testpb.NewTestServiceClient(conn), tokens, st
}

// want makes a unary and a streaming call with each of authorization in the
// metadata, and checks what becomes of both.
func want(t *testing.T, client testpb.TestServiceClient, name string, code codes.Code, authorization ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, a := range authorization {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", a)
	}
	res, err := client.UnaryCall(ctx, &testpb.SimpleRequest{})
	check(t, name+": unary", err, code, res.GetUsername())

	stream, err := client.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	out, err := stream.Recv()
	check(t, name+": stream", err, code, string(out.GetPayload().GetBody()))
	if _, err := stream.Recv(); code == codes.OK && err != io.EOF {
		t.Errorf("%s: stream: ends with %v", name, err)
	}
}

func check(t *testing.T, name string, err error, code codes.Code, subject string) {
	t.Helper()
	if got := status.Code(err); got != code || (subject == "ada") != (code == codes.OK) {
		t.Errorf("%s: %v for %q, want %v", name, err, subject, code)
	}
	if m := status.Convert(err).Message(); err != nil && (!strings.HasSuffix(m, ".") || strings.Contains(m, "order")) {
		t.Errorf("%s: the caller is told %q", name, m)
	}
}

func TestInterceptors(t *testing.T) {
	client, tokens, st := serve(t, throttle.Config{Burst: 1000})
	elsewhere, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	issue := func(tokens *bearer.Tokens, req bearer.Request) (string, string) {
		t.Helper()
		req.Subject = "ada"
		plain, c, err := tokens.Issue(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + plain.Reveal(), c.ID
	}
	good, id := issue(tokens, bearer.Request{})
	narrow, _ := issue(tokens, bearer.Request{Scopes: []string{"other"}})
	near, _ := issue(tokens, bearer.Request{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	far, _ := issue(tokens, bearer.Request{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	unknown, _ := issue(elsewhere, bearer.Request{})

	want(t, client, "good", codes.OK, good)
	want(t, client, "lower case", codes.OK, strings.Replace(good, "Bearer", "bearer", 1))
	want(t, client, "from here", codes.OK, near)
	want(t, client, "from elsewhere", codes.Unauthenticated, far)
	want(t, client, "none", codes.Unauthenticated)
	want(t, client, "another scheme", codes.Unauthenticated, "Basic YTpi")
	want(t, client, "unknown", codes.Unauthenticated, unknown)
	want(t, client, "junk", codes.Unauthenticated, "Bearer junk")
	want(t, client, "malformed", codes.InvalidArgument, "Bearer a b")
	want(t, client, "two", codes.InvalidArgument, good, good)
	want(t, client, "another scope", codes.PermissionDenied, narrow)

	st.down.Store(true)
	want(t, client, "outage", codes.Unavailable, good)
	st.down.Store(false)
	want(t, client, "good again", codes.OK, good)
	if err := tokens.Revoke(t.Context(), "ada", id); err != nil {
		t.Fatal(err)
	}
	want(t, client, "revoked", codes.Unauthenticated, good)

	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", near)
	if _, err := client.EmptyCall(ctx, &testpb.Empty{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a method without an entry: %v", err)
	}
}

func TestThrottle(t *testing.T) {
	client, tokens, _ := serve(t, throttle.Config{Burst: 2, Interval: time.Hour})
	plain, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	want(t, client, "two that fail", codes.Unauthenticated, "Bearer junk")
	want(t, client, "two more", codes.ResourceExhausted, "Bearer junk")
	want(t, client, "one that is new", codes.ResourceExhausted, "Bearer "+plain.Reveal())
}
