package soak

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A check is what must not happen.
type check string

const (
	accepted    check = "accepted after its end"
	lost        check = "lost"
	doubled     check = "double successors"
	wrong401    check = "wrong 401"
	nobody      check = "made by nobody"
	unavailable check = "unavailable without a fault"
	noRetry     check = "503 without Retry-After"
	wrong       check = "wrong answers"
	grown       check = "memory or goroutines grown"
	ignorant    check = "too little known"
)

var checks = []check{accepted, lost, doubled, wrong401, nobody, unavailable, noRetry, wrong, grown, ignorant}

// shown is how many violations of each check are told of in full.
const shown = 3

// Steps are counted by what was answered.
type Steps struct {
	Kind         string
	Sent         int
	Acknowledged int
	Refused      int // 401, 404, 409
	Unavailable  int // 503
	NoAnswer     int
}

// A Report is what was seen of one service.
type Report struct {
	Engine           string
	Plan             Plan
	Took             time.Duration
	Steps            []*Steps
	Judged, Strictly int           // answers to authentications; those of which the ledger allowed one alone
	Unknown          int           // writes of which nobody knew whether they had been made
	Resolved         int           // those of which the rows in the end tell
	Happened         int           // those that had
	Worst            time.Duration // after a fault at which a step began that failed
	Overloaded       int           // steps that timed out without a fault
	Faults           map[string]int
	Before, After    usage // after warm-up, and in the end
	Most             usage // of what was measured from Before to After: in the end, and before each fault
	Violations       map[check]int
	accounts         []string
}

func newReport(engine string, p Plan) *Report {
	return &Report{Engine: engine, Plan: p, Faults: make(map[string]int), Violations: make(map[check]int)}
}

func (r *Report) step(kind string) *Steps {
	for _, s := range r.Steps {
		if s.Kind == kind {
			return s
		}
	}
	r.Steps = append(r.Steps, &Steps{Kind: kind})
	return r.Steps[len(r.Steps)-1]
}

func (r *Report) violate(c check, what string, history []string) {
	r.Violations[c]++
	if r.Violations[c] <= shown {
		r.accounts = append(r.accounts, fmt.Sprintf("%s: %s", c, strings.Join(append([]string{what}, history...), "\n    ")))
	}
}

// measured enters what the process takes.
func (r *Report) measured(u usage) {
	r.Most.Heap, r.Most.Goroutines = max(r.Most.Heap, u.Heap), max(r.Most.Goroutines, u.Goroutines)
}

// finish checks what can be said of all of the run alone.
func (l *ledger) finish(before, after usage) *Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.report
	r.Took = time.Since(l.start).Round(time.Second)
	r.Worst = l.weather.worst
	r.Before, r.After = before, after
	r.measured(after)
	for _, unknown := range l.names {
		if unknown { // and compareFamily found no row
			r.Resolved++
		}
	}
	var steps, writes int
	for _, s := range r.Steps {
		steps += s.Sent
		if s.Kind != "authenticate" {
			writes += s.Sent
			r.Unknown += s.Unavailable + s.NoAnswer
		}
		if s.Acknowledged == 0 {
			l.violate(ignorant, fmt.Sprintf("not one acknowledged: %s", s.Kind))
		}
	}
	r.Overloaded = len(l.late)
	for _, f := range l.sudden {
		// A cache lets a lookup join one that has waited for some time already,
		// and they end together.
		if slices.ContainsFunc(l.late, func(t time.Time) bool { return t.Sub(f.ended).Abs() < 500*time.Millisecond }) {
			r.Overloaded++
			continue
		}
		l.violate(unavailable, f.what)
	}
	if r.Overloaded*100 > steps {
		l.violate(unavailable, fmt.Sprintf("%d of %d steps timed out without a fault", r.Overloaded, steps))
	}
	if r.Unknown*3 > writes {
		l.violate(ignorant, fmt.Sprintf("%d of %d writes are unknown", r.Unknown, writes))
	}
	if r.Strictly*4 < r.Judged*3 {
		l.violate(ignorant, fmt.Sprintf("both answers were allowed to %d of %d requests", r.Judged-r.Strictly, r.Judged))
	}
	if r.Most.Heap > 2*before.Heap+16<<20 {
		l.violate(grown, fmt.Sprintf("the heap grew from %d bytes to %d", before.Heap, r.Most.Heap))
	}
	if after.Goroutines > before.Goroutines+48 {
		l.violate(grown, fmt.Sprintf("the goroutines grew from %d to %d", before.Goroutines, after.Goroutines))
	}
	return r
}

// OK reports whether the service has kept its word.
func (r *Report) OK() bool { return len(r.Violations) == 0 }

// Write writes r for a person.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v, %d clients, seed %d\n", r.Engine, r.Took, r.Plan.Clients, r.Plan.Seed)
	fmt.Fprintf(&b, "  %-12s %9s %12s %9s %6s %10s\n", "", "sent", "acknowledged", "refused", "503", "no answer")
	slices.SortFunc(r.Steps, func(a, b *Steps) int { return strings.Compare(a.Kind, b.Kind) })
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "  %-12s %9d %12d %9d %6d %10d\n", s.Kind, s.Sent, s.Acknowledged, s.Refused, s.Unavailable, s.NoAnswer)
	}
	fmt.Fprintf(&b, "  unknown: %d writes; the rows tell of %d, of which %d had been made\n", r.Unknown, r.Resolved, r.Happened)
	fmt.Fprintf(&b, "  judged: %d authentications, %.2f %% of them with one answer allowed\n", r.Judged, 100*float64(r.Strictly)/float64(max(1, r.Judged)))
	var faults []string
	for name, n := range r.Faults {
		faults = append(faults, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(faults)
	fmt.Fprintf(&b, "  faults: %s; the last step to fail began %v after the end of one; %d timed out without a fault\n",
		strings.Join(faults, ", "), r.Worst.Round(time.Millisecond), r.Overloaded)
	fmt.Fprintf(&b, "  heap %.1f MB, then at most %.1f MB, in the end %.1f MB; goroutines %d, then at most %d, in the end %d\n",
		float64(r.Before.Heap)/1e6, float64(r.Most.Heap)/1e6, float64(r.After.Heap)/1e6, r.Before.Goroutines, r.Most.Goroutines, r.After.Goroutines)
	var verdict []string
	for _, c := range checks {
		verdict = append(verdict, fmt.Sprintf("%s %d", c, r.Violations[c]))
	}
	fmt.Fprintf(&b, "  %s\n", strings.Join(verdict, ", "))
	for _, account := range r.accounts {
		fmt.Fprintf(&b, "  %s\n", account)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
