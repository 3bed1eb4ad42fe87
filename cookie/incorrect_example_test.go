package cookie_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/keystile/keystile/cookie"
)

// This is wrong: a cookie is a header, and headers are sent before the body. Of
// a cookie that is set when something has been written the browser learns
// nothing, and neither net/http nor SignIn can tell. Sign in first.
func Example_incorrect() {
	sessions, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}})
	if err != nil {
		log.Fatal(err)
	}
	wrong := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "Welcome.")
		_, err := sessions.SignIn(w, r, cookie.Request{Subject: "ada"})
		fmt.Println("error:", err)
	}
	right := func(w http.ResponseWriter, r *http.Request) {
		_, err := sessions.SignIn(w, r, cookie.Request{Subject: "ada"})
		fmt.Println("error:", err)
		fmt.Fprintln(w, "Welcome.")
	}
	for _, login := range []http.HandlerFunc{wrong, right} {
		fmt.Println("cookies:", len(send(login, "POST", "/login", nil).Result().Cookies()))
	}
	// Output:
	// error: <nil>
	// cookies: 0
	// error: <nil>
	// cookies: 1
}

// This is wrong: a cookie that may travel over plain HTTP cannot have a name
// that begins with __Host-. Browsers would drop it without a word, and New
// refuses it instead.
func ExampleConfig_incorrect() {
	_, err := cookie.New(cookie.Config{
		Keys:         []cookie.Key{cookie.NewKey()},
		Name:         "__Host-session",
		InsecureHTTP: true,
	})
	fmt.Println(err)
	// Output:
	// cookie: Config.Name: "__Host-session": __Host- needs Secure, the Path / and no Domain: choose another name, or leave InsecureHTTP, Path and Domain out
}
