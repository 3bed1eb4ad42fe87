// Package way holds every way through which the benchmark sends its requests:
// those of keystile, those of other libraries, and those written by hand that
// both are compared with. All are given the same handler to call.
//
// Each library is configured as its documentation says, and a comment beside it
// says where.
package way

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/bench/internal/turns"
)

// A Way is a handler that authenticates, and requests for it. All its requests
// are answered with one status.
type Way struct {
	Name    string
	Via     string // module, as go.mod names it; "": keystile, or by hand
	Status  int
	handler http.Handler
	inner   *inner

	header   string       // the name of the header that authenticates
	values   []credential // one for each request, over and over; none: no header
	consumes bool         // the handler deletes the header of the request
}

// A credential is the value of a header and whose it is.
type credential struct{ value, subject string }

// inner is the handler behind every way. It does nothing, but for those who
// check what reaches it.
type inner struct {
	subject func(*http.Request) string
	seen    func(subject string)
}

func (in *inner) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	if in.seen != nil {
		in.seen(in.subject(r))
	}
}

// serve is ServeHTTP for a way that tells by an argument who it is.
func (in *inner) serve(subject string) {
	if in.seen != nil {
		in.seen(subject)
	}
}

// refused returns a way that sends w's handler something that it refuses.
func (w *Way) refused(name string, status int, values ...string) *Way {
	n := *w
	n.Name, n.Status, n.values = w.Name+": "+name, status, nil
	for _, v := range values {
		n.values = append(n.values, credential{v, ""})
	}
	return &n
}

// Client returns a client of w, which sends its requests one after the other.
// Clients may run at the same time.
func (w *Way) Client() turns.Func {
	r := w.request()
	line := r.Header[w.header] // which is exchanged: a server's requests are new, and close by
	rw := &discard{h: make(http.Header)}
	i := 0
	return func(n int) {
		for range n {
			if line != nil {
				line[0] = w.values[i].value
				if i++; i == len(w.values) {
					i = 0
				}
				if w.consumes {
					r.Header[w.header] = line
				}
			}
			if rw.served++; rw.served%64 == 0 {
				clear(rw.h) // some add to what is there
			}
			w.handler.ServeHTTP(rw, r)
		}
	}
}

func (w *Way) request() *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if len(w.values) > 0 {
		r.Header[w.header] = []string{w.values[0].value}
	}
	return r
}

// discard is a ResponseWriter that costs next to nothing. To make a map for each
// response, as a server does, would hide what is measured.
type discard struct {
	h      http.Header
	served int
}

func (d *discard) Header() http.Header               { return d.h }
func (d *discard) Write(p []byte) (int, error)       { return len(p), nil }
func (d *discard) WriteString(s string) (int, error) { return len(s), nil }
func (d *discard) WriteHeader(int)                   {}

// checked is how many of a way's requests Check sends.
const checked = 1000

// Check sends w's requests, at most a thousand of them, and returns an error
// unless each is answered as it should be and, where it is let through, the
// handler learns from whom it is. What is not checked must not be measured.
func (w *Way) Check() error {
	var errs []error
	var seen []string
	w.inner.seen = func(subject string) { seen = append(seen, subject) }
	defer func() { w.inner.seen = nil }()
	send := func(want ...string) {
		seen = nil
		r := w.request()
		if len(w.values) > 0 {
			r.Header[w.header][0] = want[0]
			want = want[1:]
		}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if rec.Code != w.Status || fmt.Sprint(seen) != fmt.Sprint(want) {
			errs = append(errs, fmt.Errorf("way %q: status %d for %q, want %d for %q", w.Name, rec.Code, seen, w.Status, want))
		}
	}
	if len(w.values) == 0 {
		send()
	}
	for _, c := range w.values[:min(len(w.values), checked)] {
		if w.Status == http.StatusOK {
			send(c.value, c.subject)
		} else {
			send(c.value)
		}
	}
	return errors.Join(errs...)
}
