package main

import "net/http"

// frontEnd serves the page of the single-page front end. Everything it shows it
// asks the API for, with the browser's cookie and nothing else.
func (a *app) frontEnd(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, http.StatusOK, "app.html", a.frame(r, "app", "Reports"))
}
