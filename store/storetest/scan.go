package storetest

import (
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

// scanChecks are for stores that are a [store.Scanner].
func scanChecks() []check {
	return []check{
		{"scan-yields-every-account", "an administrator who looks for expiring credentials must not miss an account", scanned(scanYieldsAll)},
		{"scan-selects", "an administrator may revoke every listed credential, so the list must match the filter exactly", scanned(scanSelects)},
		{"scan-stops", "a caller must be able to stop early", scanned(scanStops)},
	}
}

func scanned(run func(*probe, store.Scanner)) func(*probe) {
	return func(p *probe) {
		if st, ok := p.given.(store.Scanner); ok {
			run(p, st)
		} else {
			p.skip = "store.Scanner"
		}
	}
}

// scan checks that Scan yields exactly these, in any order.
func (p *probe) scan(st store.Scanner, f store.ScanFilter, want ...*store.Credential) {
	if p.err != nil {
		return
	}
	var got []string
	for c, err := range st.Scan(p.ctx, f) {
		if err != nil {
			p.failf("Scan(%+v): %v", f, err)
			return
		}
		got = append(got, c.ID)
	}
	wanted := ids(want)
	slices.Sort(got)
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		p.wrong("Scan(%+v): yielded %d credentials, want %d: %.200q, want %.200q", f, len(got), len(wanted), got, wanted)
	}
}

func scanYieldsAll(p *probe, st store.Scanner) {
	p.scan(st, store.ScanFilter{})
	var all []*store.Credential
	for range 120 {
		cs := credentials(10)
		for i, c := range cs {
			c.Kind = []store.Kind{store.KindToken, store.KindSecret, store.KindSession}[i%3]
		}
		p.insert(cs...)
		all = append(all, cs...)
	}
	p.scan(st, store.ScanFilter{}, all...)
}

func scanSelects(p *probe, st store.Scanner) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	cs := credentials(7)
	cs[0].Kind = store.KindSecret
	cs[1].ExpiresAt = now.Add(time.Hour)
	cs[2].ExpiresAt = time.Time{}
	cs[3].RevokedAt = cs[3].CreatedAt
	cs[4].ExpiresAt = now.Add(-time.Minute)
	cs[5].LastUsedAt = now.Add(-time.Minute)
	cs[6].CreatedAt = now.Add(-time.Minute)
	p.insert(cs...)
	p.scan(st, store.ScanFilter{Kind: store.KindSecret}, cs[0])
	p.scan(st, store.ScanFilter{Active: true}, cs[0], cs[1], cs[2], cs[5], cs[6])
	p.scan(st, store.ScanFilter{Active: true, ExpiringBefore: now.Add(2 * time.Hour)}, cs[1])
	p.scan(st, store.ScanFilter{ExpiringBefore: now}, cs[4])
	p.scan(st, store.ScanFilter{Active: true, UnusedSince: now.Add(-10 * time.Minute)}, cs[0], cs[1], cs[2])
	p.scan(st, store.ScanFilter{Kind: store.KindSession})
}

func scanStops(p *probe, st store.Scanner) {
	p.insert(credentials(5)...)
	n := 0
	st.Scan(p.ctx, store.ScanFilter{})(func(_ *store.Credential, err error) bool {
		p.expect("Scan", err, nil)
		n++
		return n < 2
	})
	if n != 2 {
		p.wrong("Scan of 5 credentials: yielded %d, want to stop after 2", n)
	}
}
