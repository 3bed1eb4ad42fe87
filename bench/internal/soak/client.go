package soak

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// backOff is how long a client waits besides, on average, when it got no answer.
// Retry-After asks for longer, which a run of minutes cannot spare.
const backOff = 400 * time.Millisecond

// A client takes one step after the other.
type client struct {
	*ledger
	number int
	rng    *rand.Rand
}

func (c *client) run(ctx context.Context) {
	pause := upTo(c.rng, 2*c.plan.Pause)
	for sleep(ctx, pause) {
		pause = upTo(c.rng, 2*c.plan.Pause)
		if !c.step() {
			pause += upTo(c.rng, 2*backOff)
		}
	}
}

// step reports whether the service is available. A tenth of the steps issue,
// and so many revoke; if there are too few or too many tokens, all of these do
// what is wanted.
func (c *client) step() bool {
	n := c.rng.IntN(10)
	switch living := c.living(); {
	case n < 7:
		t := c.pick(c.rng, c.rng.IntN(5) == 0)
		a := c.ask("GET", "/whoami", t.Plaintext, order{})
		c.authenticated(t, c.number, a, false)
		return available(a)
	case n == 7:
		return c.rotate(c.pick(c.rng, c.rng.IntN(20) == 0))
	case living < few, n == 8 && living < many:
		return c.issue()
	default:
		t := c.pick(c.rng, c.rng.IntN(20) == 0)
		r := t.begin(false, 0)
		a := c.ask("POST", "/revoke", "", order{Subject: t.subject, ID: t.ID})
		c.revoked(t, r, c.number, a)
		return available(a)
	}
}

func available(a answer) bool { return a.status != 0 && a.status != 503 }

// issue asks for a token of a day, or of a minute, which ends within a long run.
func (c *client) issue() bool {
	subject, name := c.newName()
	o := order{Subject: subject, Name: name}
	if c.rng.IntN(4) == 0 {
		o.Lifetime = time.Minute
	}
	a := c.ask("POST", "/issue", "", o)
	c.issued(subject, name, c.number, a)
	return available(a)
}

// rotate rotates t, every fourth time thrice at once, every other time with an
// overlap.
func (c *client) rotate(t *token) bool {
	var overlap time.Duration
	if c.rng.IntN(2) == 0 {
		overlap = 200*time.Millisecond + upTo(c.rng, 3*time.Second)
	}
	n := 1
	if c.rng.IntN(4) == 0 {
		n = 3
	}
	ok := make([]bool, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			r := t.begin(true, overlap)
			a := c.ask("POST", "/rotate", "", order{Subject: t.subject, ID: t.ID, Overlap: overlap})
			c.rotated(t, r, c.number, a)
			ok[i] = available(a)
		})
	}
	wait.Wait()
	return ok[0]
}

// populate issues the first tokens.
func (l *ledger) populate() error {
	for l.living() < many/2+few/2 {
		subject, name := l.newName()
		a := l.ask("POST", "/issue", "", order{Subject: subject, Name: name})
		l.issued(subject, name, 0, a)
		if err := a.decode(new(grant)); err != nil {
			return err
		}
	}
	return nil
}
