package report

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// The charts are SVG, for a README 880 pixels wide, on a light ground and on a
// dark one.
const (
	chartWidth = 880
	chartStyle = `<style>
text{font:14px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:16px}.quiet{fill:#59636e;font-size:12px}
.ours{fill:#0969da}.floor{fill:#818b98}.peer{fill:#bc4c00}.grid{stroke:#d1d9e0}.line{fill:none;stroke-width:2.5}
.s0{stroke:#0969da}.s1{stroke:#1a7f37}.s2{stroke:#8250df}.s3{stroke:#bc4c00}.f0{fill:#0969da}.f1{fill:#1a7f37}.f2{fill:#8250df}.f3{fill:#bc4c00}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.quiet{fill:#9198a1}.ours{fill:#4493f8}.floor{fill:#656c76}.peer{fill:#db6d28}.grid{stroke:#3d444d}
.s0{stroke:#4493f8}.s1{stroke:#3fb950}.s2{stroke:#ab7df8}.s3{stroke:#db6d28}.f0{fill:#4493f8}.f1{fill:#3fb950}.f2{fill:#ab7df8}.f3{fill:#db6d28}}
</style>
`
)

type svg struct {
	strings.Builder
	height int
}

func newSVG(height int, title string) *svg {
	s := &svg{height: height}
	s.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`,
		chartWidth, height, chartWidth, height, html.EscapeString(title))
	s.WriteString("\n" + chartStyle)
	s.text(16, 28, "title", "start", title)
	return s
}

func (s *svg) add(format string, a ...any) { fmt.Fprintf(s, format+"\n", a...) }

func (s *svg) text(x, y float64, class, anchor, text string) {
	s.add(`<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, html.EscapeString(text))
}

func (s *svg) end() string { s.add("</svg>"); return s.String() }

// PeersChart shows what one request costs by each way that lets it through, on a
// logarithmic scale. It is empty if there are none.
func PeersChart(r *Results) string {
	type bar struct {
		name, class string
		ns          float64
	}
	var bars []bar
	seen := make(map[string]bool)
	put := func(name, class string, ns float64) {
		if !seen[name] && ns > 0 {
			seen[name] = true
			bars = append(bars, bar{name, class, ns})
		}
	}
	for _, w := range r.Ways {
		if strings.Contains(w.Name, ": ") || strings.Contains(w.Name, "10^") || strings.Contains(w.Name, "cache over") {
			continue
		}
		if w.Via == "" {
			put(w.Name, "ours", w.One.Ns)
		} else {
			put(w.Name, "peer", w.One.Ns)
		}
		if strings.HasPrefix(w.Reference, "floor") {
			put(w.Reference, "floor", w.One.Reference)
		}
	}
	if len(bars) == 0 {
		return ""
	}
	slices.SortStableFunc(bars, func(a, b bar) int { return int(a.ns - b.ns) })
	const left, right, top, step = 320.0, 790.0, 56.0, 26.0
	low, high := 100.0, bars[len(bars)-1].ns
	at := func(ns float64) float64 {
		return left + (right-left)*math.Log(max(ns, low)/low)/math.Log(max(high, 2*low)/low)
	}
	bottom := top + step*float64(len(bars))
	s := newSVG(int(bottom)+40, "One authenticated request, nanoseconds (logarithmic, shorter is better)")
	for v := low; v <= high; v *= 10 {
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="grid"/>`, at(v), at(v), top-8, bottom)
		s.text(at(v), bottom+18, "quiet", "middle", thousands(int(v)))
	}
	for i, b := range bars {
		y := top + step*float64(i)
		s.text(left-10, y+14, "", "end", b.name)
		s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="18" rx="3" class="%s"/>`, left, y, max(2, at(b.ns)-left), b.class)
		s.text(at(b.ns)+6, y+14, "quiet", "start", ns(b.ns))
	}
	s.text(16, bottom+18, "quiet", "start", "blue: keystile · grey: by hand · orange: others")
	return s.end()
}

// GrowthChart shows what a lookup costs by the size of the store, both
// logarithmic. It is empty if nothing was measured.
func GrowthChart(r *Results) string {
	var stores []string
	smallest, largest := math.Inf(1), 0.0
	low, high := math.Inf(1), 0.0
	for _, g := range r.Growth {
		if !slices.Contains(stores, g.Store) {
			stores = append(stores, g.Store)
		}
		smallest, largest = min(smallest, float64(g.Size)), max(largest, float64(g.Size))
		low, high = min(low, g.Ns), max(high, g.Ns)
	}
	if len(stores) == 0 || largest <= smallest {
		return ""
	}
	low = math.Pow(10, math.Floor(math.Log10(low)))
	high = math.Pow(10, math.Ceil(math.Log10(high)))
	const left, right, top, bottom = 90.0, 740.0, 60.0, 340.0
	x := func(size int) float64 {
		return left + (right-left)*math.Log(float64(size)/smallest)/math.Log(largest/smallest)
	}
	y := func(ns float64) float64 { return bottom - (bottom-top)*math.Log(ns/low)/math.Log(high/low) }
	s := newSVG(390, "One lookup by the number of credentials, nanoseconds (lower is better)")
	for v := low; v <= high*1.01; v *= 10 {
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="grid"/>`, left, right, y(v), y(v))
		s.text(left-8, y(v)+4, "quiet", "end", thousands(int(v+0.5)))
	}
	var labels []float64
	for i, name := range stores {
		var points []string
		var last Growth
		for _, g := range r.Growth {
			if g.Store == name {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(g.Size), y(g.Ns)))
				last = g
			}
		}
		s.add(`<polyline points="%s" class="line s%d"/>`, strings.Join(points, " "), i%4)
		for _, p := range points {
			px, py, _ := strings.Cut(p, ",")
			s.add(`<circle cx="%s" cy="%s" r="4" class="f%d"/>`, px, py, i%4)
		}
		label := y(last.Ns)
		for slices.ContainsFunc(labels, func(v float64) bool { return math.Abs(v-label) < 16 }) {
			label += 4
		}
		labels = append(labels, label)
		s.text(x(last.Size)+10, label+5, "", "start", name)
	}
	for size := int(smallest); size <= int(largest); size *= 10 {
		s.text(x(size), bottom+20, "quiet", "middle", thousands(size))
	}
	s.text((left+right)/2, bottom+40, "quiet", "middle", "credentials in the store")
	return s.end()
}
