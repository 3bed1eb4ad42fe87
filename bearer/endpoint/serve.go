package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/keystile/keystile/auth"
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 64 << 10

// A refusal is an error that the client is told: RFC 6749 section 5.2. Its
// description is fixed, so that nothing of the request comes back, and of the
// characters that the section allows.
type refusal struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (e *refusal) Error() string { return "endpoint: " + e.Code + ": " + e.Description }

func invalidRequest(description string) error { return &refusal{"invalid_request", description} }

// serve answers a request with the JSON of what handle returns; nil is nothing.
// It decides all that the endpoints have in common.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, handle func(*http.Request) (any, error)) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache") // RFC 6749 section 5.1
	if r.Method != http.MethodPost {
		h.Set("Allow", http.MethodPost)
		writeJSON(w, http.StatusMethodNotAllowed, invalidRequest("The method must be POST."))
		return
	}
	if s.clients == nil { // not made by New
		auth.WriteProblem(w, r, nil)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	answer, err := contain(r, handle)
	switch refused, ok := errors.AsType[*refusal](err); {
	case ok:
		writeJSON(w, http.StatusBadRequest, refused)
	case err != nil:
		s.refuse(w, r, err)
	case answer != nil:
		writeJSON(w, http.StatusOK, answer)
	}
}

// contain calls handle and makes an outage of a panic.
func contain(r *http.Request, handle func(*http.Request) (any, error)) (answer any, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("endpoint: panic: %v\n%s", v, debug.Stack())
		}
	}()
	if r.URL.RawQuery != "" {
		// RFC 6749 section 2.3.1: secrets must not be in the URL. Nor does
		// anything else belong there.
		return nil, invalidRequest("The URL must have no query.")
	}
	return handle(r)
}

// refuse answers an error of a Guard, or one that no Guard has seen yet.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*auth.Error](err)
	if !ok {
		_, err = s.clients.Check(r.Context(), nil, err) // tells Observe
		e, _ = errors.AsType[*auth.Error](err)
	}
	switch e.Status() {
	case http.StatusBadRequest:
		writeJSON(w, http.StatusBadRequest, invalidRequest("The client authentication is malformed."))
	case http.StatusUnauthorized:
		w.Header()["Www-Authenticate"] = s.challenges
		writeJSON(w, http.StatusUnauthorized, &refusal{"invalid_client", "The client authentication is missing or not valid."})
	default:
		auth.WriteProblem(w, r, e)
	}
}

// writeJSON answers with v, to the byte.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // of a type of this package: it cannot fail
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
