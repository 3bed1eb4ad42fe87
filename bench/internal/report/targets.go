package report

import (
	"fmt"
	"math"
	"strings"
)

// A Verdict is what was asked of a path, what was seen, and whether it was met.
type Verdict struct {
	Path, Asked, Seen string
	Measured, Met     bool
}

// Verdict answers yes, no, or that it was not measured.
func (v Verdict) Answer() string {
	switch {
	case !v.Measured:
		return "not measured"
	case v.Met:
		return "yes"
	}
	return "**no**"
}

// Large is the size of the table that growth is judged at.
const Large = 1_000_000

// Verdicts judges r by every target.
func Verdicts(r *Results) []Verdict {
	j := judge{r: r}
	for _, scheme := range []string{"bearer", "secret"} {
		j.ratio(scheme+" through the guard, one goroutine", "keystile, "+scheme, "", one, atMost, 1.15)
		j.ratio(scheme+" through the guard, all cores", "keystile, "+scheme, "", all, atMost, 1.15)
		j.allocs(scheme+" through the guard", "keystile, "+scheme, 2)
	}
	const noContext = "keystile, bearer, no context"
	j.ratio("bearer, `Authenticate`, no context", noContext, "", one, atMost, 0.65)
	j.allocs("bearer, `Authenticate`, no context", noContext, 1)
	s := r.Scaling.NoContext
	j.add("bearer, no context, two cores for one", "at least 1.8 x the throughput", s.Median > 0, s.Median >= 1.8,
		fmt.Sprintf("%.2f x (the machine: %.2f x)", s.Median, r.Scaling.Machine.Median))
	j.ratio("bearer, 1 000 000 credentials, one goroutine", LargeName("keystile, bearer"), "", one, atMost, 1.2)
	j.ratio("bearer, 1 000 000 credentials, all cores", LargeName("keystile, bearer"), "", all, atMost, 1.2)
	for _, engine := range []string{"PostgreSQL", "Redis"} {
		j.ratio("bearer, cache over "+engine+", hit, beside Memory", "keystile, bearer, cache over "+engine, "", one, atMost, 1.3)
	}
	for _, refusal := range []struct {
		name  string
		bound float64
	}{{"no header", 0.35}, {"malformed", 0.35}, {"bad checksum", 0.35}, {"unknown", 0.7}} {
		name := "keystile, bearer: " + refusal.name
		j.ratio("refusal, "+refusal.name, name, "", one, atMost, refusal.bound)
		j.allocs("refusal, "+refusal.name, name, 0)
	}
	j.ratio("cookie, `AEAD`, stateless", "keystile, AEAD cookie", "", one, atMost, 1.1)
	j.allocs("cookie, `AEAD`, stateless", "keystile, AEAD cookie", 3)
	j.ratio("cookie, default codec, stateless", "keystile, default cookie", "", one, atMost, 0.9)
	for _, peer := range []struct {
		name, ours string
		bound      float64
	}{
		{"golang-jwt", "keystile, bearer", 15},
		{"auth0/go-jwt-middleware", "keystile, bearer", 30},
		{"MCP SDK", "keystile, bearer", 1.2},
		{"Kubernetes, WithAuthentication", "keystile, bearer", 3},
		{"alexedwards/scs", "keystile, AEAD cookie", 17},
		{"gorilla/sessions", "keystile, AEAD cookie", 17},
		{"alexedwards/scs", "keystile, default cookie", 8},
		{"gorilla/sessions", "keystile, default cookie", 8},
	} {
		j.ratio(peer.name+" beside "+peer.ours, peer.name, peer.ours, one, atLeast, peer.bound)
	}
	for _, f := range r.Finds {
		more, allocs := f.Result.More.Median, f.Allocs-f.DriverAllocs
		j.add(f.Store+", `Find` beside the driver", "at most 0.5 us and 3 allocations more", true, more <= 500 && allocs <= 3,
			fmt.Sprintf("%+.2f us, %+d allocations", more/1000, allocs))
	}
	for _, l := range r.Loads {
		bound := map[string]float64{"bearer": 0.92, "AEAD cookie": 0.83}[l.Path]
		if bound > 0 {
			j.add("whole server, "+l.Path, fmt.Sprintf("at least %.2f of the open server", bound), true, l.Share.Median >= bound, fmt.Sprintf("%.3f", l.Share.Median))
		}
	}
	for _, g := range r.Growth {
		if g.Store == "Memory" && g.Size == Large {
			j.add("Memory, bytes for each of 1 000 000", "at most 450", true, g.Bytes <= 450, fmt.Sprintf("%.0f", g.Bytes))
			j.add("Memory, full collection at 1 000 000", "under 50 ms", true, g.Collection < 50, fmt.Sprintf("%.0f ms", g.Collection))
		}
	}
	for _, f := range r.Flood {
		if f.Path != "open" {
			j.add("p99 of good requests among 10 bad for each, "+f.Path, "at most 1.5 x without", true, f.Ratio.Median <= 1.5, fmt.Sprintf("%.2f", f.Ratio.Median))
		}
	}
	return j.verdicts
}

// LargeName is the name of a way with a million credentials.
func LargeName(name string) string { return name + ", 10^6" }

type judge struct {
	r        *Results
	verdicts []Verdict
}

func (j *judge) add(path, asked string, measured, met bool, seen string) {
	if !measured {
		seen = ""
	}
	j.verdicts = append(j.verdicts, Verdict{path, asked, seen, measured, met})
}

type side string

const (
	one side = "one goroutine"
	all side = "all cores"
)

type bound string

const (
	atMost  bound = "at most"
	atLeast bound = "at least"
)

func (j *judge) ratio(path, name, reference string, s side, b bound, limit float64) {
	w, ok := j.r.way(name, reference)
	spread := w.One.Ratio
	if s == all {
		spread = w.All.Ratio
	}
	met := spread.Median <= limit
	if b == atLeast {
		met = spread.Median >= limit
	}
	j.add(path, fmt.Sprintf("%s %g x", b, limit), ok && !math.IsNaN(spread.Median), met, spread.String())
}

func (j *judge) allocs(path, name string, limit int) {
	w, ok := j.r.way(name, "")
	j.add(path+", allocations", fmt.Sprintf("at most %d", limit), ok, w.Allocs <= limit, fmt.Sprint(w.Allocs))
}

// Summary counts the verdicts.
func Summary(verdicts []Verdict) string {
	var met, missed, rest int
	for _, v := range verdicts {
		switch {
		case !v.Measured:
			rest++
		case v.Met:
			met++
		default:
			missed++
		}
	}
	s := fmt.Sprintf("%d targets met, %d missed", met, missed)
	if rest > 0 {
		s += fmt.Sprintf(", %d not measured", rest)
	}
	return strings.TrimSpace(s)
}
