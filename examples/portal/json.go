package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

const maxBody = 64 << 10 // bytes

// readJSON reads the body of r, one JSON object of known fields, into v. If it
// cannot, it returns the status to answer with and why.
func readJSON(w http.ResponseWriter, r *http.Request, v any) (status int, err error) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return http.StatusUnsupportedMediaType, errors.New("the body must be JSON, with Content-Type: application/json")
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	err = dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); err == io.EOF {
			return 0, nil
		}
		err = errors.New("the body must be one JSON object")
	}
	var tooLarge *http.MaxBytesError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the body must have at most %d bytes", maxBody)
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return http.StatusBadRequest, fmt.Errorf("%s: cannot be a %s", wrongType.Field, wrongType.Value)
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		return http.StatusBadRequest, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return http.StatusBadRequest, errors.New("the body must be one JSON object")
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// problem answers in the form that the Guard's refusals have: RFC 9457.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail,
	})
}
