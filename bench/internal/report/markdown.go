package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Peers are the modules whose versions belong to the results, and what is to be
// said of some.
var Peers = []string{
	"github.com/golang-jwt/jwt/v5",
	"github.com/auth0/go-jwt-middleware/v2",
	"github.com/lestrrat-go/jwx/v3",
	"github.com/go-chi/jwtauth/v5",
	"k8s.io/apiserver",
	"github.com/modelcontextprotocol/go-sdk",
	"github.com/alexedwards/scs/v2",
	"github.com/gorilla/sessions",
	"github.com/gorilla/securecookie",
	"github.com/jackc/pgx/v5",
	"modernc.org/sqlite",
	"github.com/redis/rueidis",
}

// Write writes r as Markdown.
func (r *Results) Write(w io.Writer) error {
	p := &printer{w: w}
	m := r.Machine
	p.line("# Results")
	p.line("")
	p.line("Written by `go run ./bench`; do not edit.")
	p.line("")
	p.line("%s, %d processors used, %s, %s; %s, commit %s.", m.Processor, m.Processors, m.System, m.Go, m.Date, m.Commit)
	if r.Short {
		p.line("")
		p.line("**A short run: it shows that everything works. The figures are rough.**")
	}
	p.line("")
	p.line("Everything is measured by turns with its reference, in one process; the requests in several processes, one after the")
	p.line("other, of which the one in the middle counts, as chance decides where in the memory of a process things lie.")
	p.line("Read the ratios: medians over the pairs of neighbouring turns, with the quartiles. The times are medians of this machine: those that the processor spent, so that")
	p.line("other programs change them little; for all cores what all of them spent together. Engines and whole servers, which wait,")
	p.line("and the throughput of all cores for one are measured by the clock on the wall.")
	for _, note := range r.Notes {
		p.line("")
		p.line("%s", note)
	}

	verdicts := Verdicts(r)
	p.section("Targets")
	p.line("%s.", Summary(verdicts))
	p.line("")
	p.table("path", "asked", "seen", "met")
	for _, v := range verdicts {
		p.row(v.Path, v.Asked, v.Seen, v.Answer())
	}

	if len(r.Ways) > 0 {
		p.section("Requests")
		p.line("The same request and the same handler behind every way. x is how many times its reference's time a way takes.")
		p.line("")
		p.table("way", "reference", "x, one goroutine", "ns", "x, all cores", "ns", "B", "allocs")
		for _, way := range r.Ways {
			p.row(way.Name, way.Reference, way.One.Ratio.String(), ns(way.One.Ns), way.All.Ratio.String(), ns(way.All.Ns), fmt.Sprint(way.Bytes), fmt.Sprint(way.Allocs))
		}
		p.line("")
		p.line("The references that are written by hand:")
		p.line("")
		p.table("floor", "ns, one goroutine", "ns, all cores")
		seen := make(map[string]bool)
		for _, way := range r.Ways {
			if strings.HasPrefix(way.Reference, "floor") && !seen[way.Reference] {
				seen[way.Reference] = true
				p.row(way.Reference, ns(way.One.Reference), ns(way.All.Reference))
			}
		}
		if s := r.Scaling; s.NoContext.Median > 0 {
			p.line("")
			p.line("All cores for one, throughput: keystile without a context %s x, the floor with one %s x, SHA-256 alone, which shares nothing, %s x.", s.NoContext, s.Floor, s.Machine)
		}
	}
	if len(r.Finds) > 0 {
		p.section("Stores")
		p.line("`Find` of a random row beside the driver's own prepared call for the same columns, with SQL through database/sql as hosts make it, both with a context that can be cancelled.")
		p.line("")
		p.table("store", "row", "x", "more", "us", "driver's us", "allocs", "driver's allocs")
		for _, f := range r.Finds {
			p.row(f.Store, f.What, f.Result.Ratio.String(), fmt.Sprintf("%+.2f us", f.Result.More.Median/1000), us(f.Result.Ns), us(f.Result.Reference), fmt.Sprint(f.Allocs), fmt.Sprint(f.DriverAllocs))
		}
	}
	if len(r.Growth) > 0 {
		p.section("Growth")
		p.line("`Find` of a random credential, and what each takes with all indexes.")
		p.line("")
		p.table("store", "credentials", "ns", "bytes for each", "full collection")
		for _, g := range r.Growth {
			collection := ""
			if g.Collection > 0 {
				collection = fmt.Sprintf("%.1f ms", g.Collection)
			}
			p.row(g.Store, thousands(g.Size), ns(g.Ns), fmt.Sprintf("%.0f", g.Bytes), collection)
		}
	}
	if len(r.Loads) > 0 {
		p.section("Whole server")
		p.line("net/http on loopback, one processor for the server and one for the load: 16 connections in a closed loop.")
		p.line("The open server is sent the same headers. Unguarded is what net/http itself takes for what a guard adds whoever asks:")
		p.line("`Cache-Control` and `Vary` in the response, and a context in the request. No guard that sends them has a larger share.")
		p.line("")
		p.table("path", "requests/s", "share of the open server", "p50", "p99", "p99.9")
		for _, l := range r.Loads {
			p.row(l.Path, ns(l.PerSecond), l.Share.String(), fmt.Sprintf("%.0f us", l.P50), fmt.Sprintf("%.0f us", l.P99), fmt.Sprintf("%.0f us", l.Max))
		}
		p.line("")
		p.line("The same connections, each sending ten unknown tokens before every good one: p99 of the good ones. To the open")
		p.line("server all are good, which shows what the machine itself does.")
		p.line("")
		p.table("path", "p99, all good", "p99 in the flood", "x")
		for _, f := range r.Flood {
			p.row(f.Path, fmt.Sprintf("%.0f us", f.Quiet), fmt.Sprintf("%.0f us", f.With), f.Ratio.String())
		}
	}
	p.section("Versions")
	p.table("module", "version")
	for _, path := range slices.Sorted(maps.Keys(m.Versions)) {
		if slices.Contains(Peers, path) {
			p.row(path, m.Versions[path])
		}
	}
	return p.err
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, a ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", a...)
	}
}

func (p *printer) section(title string) {
	p.line("")
	p.line("## %s", title)
	p.line("")
}

func (p *printer) table(columns ...string) {
	p.row(columns...)
	p.line("|%s", strings.Repeat("---|", len(columns)))
}

func (p *printer) row(cells ...string) { p.line("| %s |", strings.Join(cells, " | ")) }

func ns(v float64) string { return thousands(int(v + 0.5)) }

func us(v float64) string { return fmt.Sprintf("%.2f", v/1000) }

// thousands returns n in groups of three digits.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
