// Package zero holds, for tests, what the methods of a value do that its
// constructor has not made.
package zero

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

// Refuses calls every method of each value, but for those that work on it, and
// wants it to be refused in words: with an error that contains says and blames
// no credential or, where a method returns no error, with a panic that does.
func Refuses(t *testing.T, says string, works []string, values ...any) {
	t.Helper()
	for _, v := range values {
		of := reflect.TypeOf(v)
		for _, name := range works {
			if _, ok := of.MethodByName(name); !ok {
				t.Errorf("%v has no method %s", of, name)
			}
		}
		for i := range of.NumMethod() {
			if slices.Contains(works, of.Method(i).Name) {
				continue
			}
			name := fmt.Sprintf("%v.%s", of, of.Method(i).Name)
			if reflect.ValueOf(v).IsNil() {
				name += ", nil"
			}
			t.Run(name, func(t *testing.T) { refuses(t, says, reflect.ValueOf(v).Method(i)) })
		}
	}
}

func refuses(t *testing.T, says string, method reflect.Value) {
	of := method.Type()
	scheme := "Bearer"
	if strings.Contains(says, "Secrets") {
		scheme = "Secret"
	}
	last := of.NumOut() - 1
	errs := last >= 0 && of.Out(last) == reflect.TypeFor[error]()
	err := func() (err error) {
		defer func() {
			if v := recover(); v != nil {
				if err = fmt.Errorf("panic: %v", v); errs {
					t.Error(err)
				}
			}
		}()
		var in []reflect.Value
		for i := range of.NumIn() {
			if of.IsVariadic() && i == of.NumIn()-1 {
				break
			}
			in = append(in, argument(t, scheme, of.In(i)))
		}
		out := method.Call(in)
		if errs {
			err, _ = out[last].Interface().(error)
		}
		return err
	}()
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("error %v, want one that says %q", err, says)
	}
	for _, answer := range []error{
		auth.ErrNoCredentials, auth.ErrMalformed, auth.ErrInvalidCredentials, auth.ErrInsufficientScope,
		store.ErrNotFound, store.ErrExists, store.ErrLimit, store.ErrConflict, errors.ErrUnsupported,
	} {
		if errors.Is(err, answer) {
			t.Errorf("error %v is %v, want an outage", err, answer)
		}
	}
}

const plaintext = "0123456789abcdefghijklmnopqrstuvwxyzABCD"

// argument returns what a method that was made would not refuse for itself.
func argument(t *testing.T, scheme string, of reflect.Type) reflect.Value {
	now := time.Now()
	for _, v := range []any{
		plaintext, 1, time.Minute, now, netip.MustParseAddr("192.0.2.1"), store.KindToken, store.Digest{1}, store.Filter{ID: "id"},
		&store.Credential{ID: "id", Kind: store.KindToken, Subject: "ada", Digest: store.Digest{1}, CreatedAt: now},
		&auth.Identity{Subject: "ada", Scheme: "Secret", Credential: "id"},
		request(scheme), httptest.NewRecorder(), t.Context(), func() {}, func(store.Digest) {},
		http.NotFoundHandler(),
	} {
		if reflect.TypeOf(v).AssignableTo(of) && of != reflect.TypeFor[error]() {
			return reflect.ValueOf(v)
		}
	}
	v := reflect.New(of).Elem()
	if of.Kind() == reflect.Struct {
		if subject := v.FieldByName("Subject"); subject.IsValid() {
			subject.SetString("ada")
		}
	}
	return v
}

// request returns one with a cookie, and with credentials of the scheme.
func request(scheme string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), "GET", "/", nil)
	r.Header.Set("Authorization", scheme+" "+plaintext)
	r.Header.Set("Cookie", "__Host-session=any")
	return r
}
