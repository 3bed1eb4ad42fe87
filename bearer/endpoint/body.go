package endpoint

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

const (
	typeForm = "application/x-www-form-urlencoded"
	typeJSON = "application/json"
)

// mediaType returns the media type of the body, without parameters.
func mediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

func readBody(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, invalidRequest("The body is incomplete, or has more than 65536 bytes.")
	}
	return b, nil
}

// A form holds the parameters of a request, each once. One without a value is
// like one that is left out: RFC 6749 section 3.2.
type form map[string]string

// readForm reads a form, in which no parameter may be repeated, whatever its
// name: RFC 6749 section 3.2.
func readForm(r *http.Request) (form, error) {
	if mediaType(r) != typeForm {
		return nil, invalidRequest("The Content-Type must be " + typeForm + ".")
	}
	b, err := readBody(r)
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, invalidRequest("The body is not a form.")
	}
	f := make(form)
	for name, v := range values {
		if len(v) > 1 {
			return nil, invalidRequest("A parameter is repeated.")
		}
		f[name] = v[0]
	}
	return f, nil
}

// client returns the client that f names: client_secret_post, or a client that
// tells its ID besides the header.
func (f form) client() client {
	return client{secret: f["client_secret"], id: f["client_id"], named: f["client_id"] != "" || f["client_secret"] != ""}
}

// readObject reads a JSON object and returns its members by their names in
// lower case. encoding/json would take the last of several members that differ
// in case alone; who reads the request on its way might take the first.
func readObject(r *http.Request) (map[string]json.RawMessage, error) {
	b, err := readBody(r)
	if err != nil {
		return nil, err
	}
	notObject := invalidRequest("The body is not a JSON object.")
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, _ := dec.Token(); t != json.Delim('{') || !json.Valid(b) { // Valid: nothing follows it
		return nil, notObject
	}
	members := make(map[string]json.RawMessage)
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			return nil, notObject
		}
		name = strings.ToLower(name)
		if _, repeated := members[name]; repeated {
			return nil, invalidRequest("A member is repeated.")
		}
		members[name] = value
	}
	return members, nil
}
