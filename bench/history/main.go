//go:build linux

// History measures whether an account with many ended credentials slows down its own
// calls or those of others. From the root of the repository:
//
//	go run ./bench/history                  # 200 000 ended credentials, all engines
//	go run ./bench/history -engine SQLite -ended 20000
//
// It fills one account with ended credentials and 10 active ones. Then it alternates
// each call on that account with the same call on a new account that has only 10
// credentials, and prints the medians and their ratio. Meanwhile it looks up another
// account's credential in a loop. PostgreSQL and Redis must be installed; history
// starts its own servers.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/keystile/keystile/bench/internal/testbed"
	"github.com/keystile/keystile/store"
)

func main() {
	ended := flag.Int("ended", 200_000, "how many ended credentials the account has")
	rounds := flag.Int("rounds", 60, "how often each call is timed on each account")
	only := flag.String("engine", "", "one engine; all if empty")
	flag.Parse()
	ctx := context.Background()
	err := testbed.Run(func(tb testing.TB) error {
		for _, e := range engines {
			if *only != "" && *only != e.name {
				continue
			}
			if err := measure(ctx, tb, e, *ended, *rounds); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "history:", err)
		os.Exit(1)
	}
}

const (
	active = 10
	client = "client"
)

// A call is one call of the store on an account with the given active credentials.
type call struct {
	name string
	do   func(ctx context.Context, st store.Store, held []*store.Credential) error
}

var calls = []call{
	{"RevokeAll", func(ctx context.Context, st store.Store, held []*store.Credential) error {
		return revoke(ctx, st, store.Filter{Kind: store.KindToken, Subject: held[0].Subject}, active)
	}},
	{"RevokeFamily", func(ctx context.Context, st store.Store, held []*store.Credential) error {
		return revoke(ctx, st, store.Filter{Kind: store.KindToken, Subject: held[0].Subject, Family: held[0].Family}, 1)
	}},
	{"RevokeClient", func(ctx context.Context, st store.Store, held []*store.Credential) error {
		return revoke(ctx, st, store.Filter{Kind: store.KindToken, Subject: held[0].Subject, ClientID: client}, active/2)
	}},
	{"List(Active, 11)", func(ctx context.Context, st store.Store, held []*store.Credential) error {
		q := store.Query{Kind: store.KindToken, Subject: held[0].Subject, ClientID: store.AnyClient, Active: true, Limit: 11}
		return list(ctx, st, q, active)
	}},
	{"List(11)", func(ctx context.Context, st store.Store, held []*store.Credential) error {
		return list(ctx, st, store.Query{Kind: store.KindToken, Subject: held[0].Subject, Limit: 11}, active/2)
	}},
	{"Insert, limited", func(ctx context.Context, st store.Store, held []*store.Credential) error {
		now := time.Now()
		_, err := st.Insert(ctx, credential(held[0].Subject, now), store.Limits{Active: 100, Recent: 10_000_000, Since: now.Add(-time.Second)})
		return err
	}},
	{"Rotate", func(ctx context.Context, st store.Store, held []*store.Credential) error {
		now := time.Now()
		return st.Rotate(ctx, held[0].ID, now, credential(held[0].Subject, now), store.Limits{Recent: 10_000_000, Since: now.Add(-time.Second)})
	}},
	{"Find", func(ctx context.Context, st store.Store, held []*store.Credential) error {
		_, err := st.Find(ctx, store.KindToken, held[0].Digest)
		return err
	}},
}

func revoke(ctx context.Context, st store.Store, f store.Filter, want int) error {
	changed, err := st.Revoke(ctx, f, time.Now())
	if err == nil && len(changed) != want {
		err = fmt.Errorf("revoked %d credentials, want %d", len(changed), want)
	}
	return err
}

func list(ctx context.Context, st store.Store, q store.Query, atLeast int) error {
	page, _, err := st.List(ctx, q)
	if err == nil && len(page) < atLeast {
		err = fmt.Errorf("listed %d credentials, want at least %d", len(page), atLeast)
	}
	return err
}

// credential returns a new token of subject, created at the given time and valid for a
// day.
func credential(subject string, created time.Time) *store.Credential {
	c := &store.Credential{
		ID: rand.Text(), Kind: store.KindToken, Subject: subject, Name: "ci", Hint: "pat_…KQDc",
		Scopes: []string{"*"}, CreatedAt: created, ExpiresAt: created.Add(24 * time.Hour),
	}
	c.Family = c.ID
	rand.Read(c.Digest[:])
	return c
}

// history returns n ended tokens of subject. Half of them are revoked, the others
// expired. A quarter of all are rotated.
func history(subject string, n int) []*store.Credential {
	rows := make([]*store.Credential, n)
	first := time.Now().Add(-30 * 24 * time.Hour)
	for i := range rows {
		c := credential(subject, first.Add(time.Duration(i)*10*time.Second))
		switch {
		case i%2 == 0:
			c.RevokedAt = c.CreatedAt.Add(time.Minute)
		default:
			c.ExpiresAt = c.CreatedAt.Add(time.Minute)
		}
		if i%4 == 0 {
			c.RotatedAt = c.CreatedAt.Add(time.Second)
		}
		if i%8 < 4 {
			c.ClientID = client
		}
		rows[i] = c
	}
	return rows
}

// hold replaces the active credentials of subject by new ones. A client exchanged half
// of them.
func hold(ctx context.Context, st store.Store, subject string) ([]*store.Credential, error) {
	now := time.Now()
	if _, err := st.Revoke(ctx, store.Filter{Subject: subject}, now); err != nil {
		return nil, err
	}
	held := make([]*store.Credential, active)
	for i := range held {
		held[i] = credential(subject, now)
		if i%2 == 1 {
			held[i].ClientID = client
		}
		if _, err := st.Insert(ctx, held[i], store.Limits{}); err != nil {
			return nil, err
		}
	}
	return held, nil
}

func measure(ctx context.Context, tb testing.TB, e engine, ended, rounds int) error {
	st, fill, err := e.open(ctx, tb)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := fill(ctx, history("busy", ended)); err != nil {
		return err
	}
	other := credential("other", time.Now())
	if _, err := st.Insert(ctx, other, store.Limits{}); err != nil {
		return err
	}
	fmt.Printf("%s: %d ended credentials, filled in %v\n", e.name, ended, time.Since(began).Round(time.Second))
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintln(w, "\t10 rows\twith history\tratio\tothers' Find p99 beside 10 rows\tbeside history\tratio\t")
	for _, c := range calls {
		var took [2][]time.Duration   // for the small account and the busy one
		var others [2][]time.Duration // for Find on another account meanwhile
		for round := range rounds {
			for i, subject := range []string{"new-" + rand.Text(), "busy"} {
				held, err := hold(ctx, st, subject)
				if err != nil {
					return err
				}
				stop := finding(ctx, st, other)
				start := time.Now()
				err = c.do(ctx, st, held)
				took[i] = append(took[i], time.Since(start))
				found, findErr := stop()
				if err == nil {
					err = findErr
				}
				if err != nil {
					return fmt.Errorf("%s, round %d: %w", c.name, round, err)
				}
				others[i] = append(others[i], found...)
			}
		}
		small, busy := quantile(took[0], 0.5), quantile(took[1], 0.5)
		beside, p99 := quantile(others[0], 0.99), quantile(others[1], 0.99)
		fmt.Fprintf(w, "%s\t%v\t%v\t%.2f\t%v\t%v\t%.2f\t\n", c.name, small, busy, ratio(busy, small), beside, p99, ratio(p99, beside))
	}
	return nil
}

// finding looks c up in a loop until stop is called, but at least 50 times. stop
// returns how long each lookup took.
func finding(ctx context.Context, st store.Store, c *store.Credential) (stop func() ([]time.Duration, error)) {
	begun, done := make(chan struct{}), make(chan struct{})
	var took []time.Duration
	var err error
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for over := false; err == nil && (!over || len(took) < 50); {
			start := time.Now()
			_, err = st.Find(ctx, c.Kind, c.Digest)
			took = append(took, time.Since(start))
			if len(took) == 1 {
				close(begun)
			}
			select {
			case <-done:
				over = true
			default:
			}
		}
	}()
	<-begun
	return func() ([]time.Duration, error) {
		close(done)
		<-finished
		return took, err
	}
}

func quantile(d []time.Duration, q float64) time.Duration {
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))]
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
