package cache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

// AccountsConfig configures [Accounts]. Only Accounts is required.
type AccountsConfig struct {
	_ [0]func()

	// Accounts is asked for every account that is not kept.
	Accounts auth.Accounts

	// Store carries Forget to other processes, if it is a store.Notifier and
	// store.Watcher. Set it to the Cache that your schemes use: then both share
	// one connection. If you set it to the store itself, Accounts watches it on
	// a connection of its own. If it is nil, or can do neither, Forget reaches
	// only this process.
	Store store.Store

	// Entries is how many accounts are kept: at most 10 million. The default is
	// 100 000, which take about 25 MB, plus the size of the accounts themselves.
	Entries int

	// MaxStale is how old an account may be: at most 10 minutes. The default is
	// 5 seconds. A change takes effect within this time even without Forget.
	MaxStale time.Duration

	// WatchError, if set, is called with the error of each Watch that ended
	// before Close: Forget does not reach this process from others until the
	// next Watch begins, which is tried within a second. It must return
	// quickly.
	WatchError func(error)
}

// Accounts is an [auth.Accounts] that keeps what another one returned, so that most
// requests are authenticated without a query of your application's database:
//
//	people, err := cache.NewAccounts(cache.AccountsConfig{Accounts: users, Store: c})
//
// Call [Accounts.Forget] after every change of an account. A change takes effect
//
//   - in this process: for every lookup that starts after Forget has returned;
//   - in other processes: milliseconds later, if they share a Store that passes on
//     notifications, such as PostgreSQL or Redis. If the notification is lost, or the
//     Store passes none on: within MaxStale;
//   - without Forget: within MaxStale, in every process.
//
// So no lookup returns an account that is older than MaxStale, 5 seconds by default,
// whatever fails. The time is that of the process's monotonic clock, which stands
// still while the machine is suspended. It counts from the moment at which your
// application's Accounts show the change: behind a replica, its lag comes on top.
//
// Only accounts are kept, disabled ones too. An error is returned to the callers that
// waited for it, and never kept. This includes [auth.ErrUnknownAccount]: an account
// can be used as soon as it exists, without a call of Forget. Clients cannot choose
// the subject of a credential, so they cannot cause queries for unknown accounts.
//
// Concurrent lookups of one account make one query. It continues until the last
// caller has stopped waiting, or for five seconds. It carries the values of the
// context that began it, for traces, but not its deadline. A panic is returned as an
// error, with the stack.
//
// Accounts is safe for concurrent use. Create it with [NewAccounts], and call
// [Accounts.Close] when you no longer need it.
type Accounts struct {
	freshness
	accounts auth.Accounts
	notifier store.Notifier // nil: there is none
	kept     *otter.Cache[string, *answer[auth.Account]]
	queries  queries[string, auth.Account]
}

var _ auth.Accounts = (*Accounts)(nil)

// NewAccounts returns [Accounts] for cfg, and begins to watch its Store if that is a
// [store.Watcher]. The error names every mistake in cfg.
func NewAccounts(cfg AccountsConfig) (*Accounts, error) {
	var errs []error
	if isNil(cfg.Accounts) {
		errs = append(errs, errors.New("cache: AccountsConfig.Accounts: nil: must be set, to what looks up the accounts of your application"))
	}
	if cfg.Store != nil && isNil(cfg.Store) {
		errs = append(errs, fmt.Errorf("cache: AccountsConfig.Store: a nil %T: leave the field out to have none", cfg.Store))
	}
	if cfg.Entries < 0 || cfg.Entries > maxEntries {
		errs = append(errs, fmt.Errorf("cache: AccountsConfig.Entries: %d: must be from 1 to %d, or 0 for the default", cfg.Entries, maxEntries))
	}
	if cfg.MaxStale < 0 || cfg.MaxStale > maxAge {
		errs = append(errs, fmt.Errorf("cache: AccountsConfig.MaxStale: %v: must be positive and at most %v, or 0 for the default", cfg.MaxStale, maxAge))
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	entries := cmp.Or(cfg.Entries, defaultEntries)
	kept, err := otter.New(&otter.Options[string, *answer[auth.Account]]{MaximumSize: entries})
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	a := &Accounts{
		freshness: freshness{
			// Not every change of an account is notified. So maxAge is zero: an
			// answer that is older than maxStale is never used.
			maxStale:   cmp.Or(cfg.MaxStale, defaultMaxStale),
			absent:     auth.ErrUnknownAccount,
			watchError: cfg.WatchError,
			began:      time.Now(),
			history:    newHistory(entries, 1),
		},
		accounts: cfg.Accounts,
		kept:     kept,
	}
	a.queries = queries[string, auth.Account]{source: a, fresh: &a.freshness, running: make(map[string]*query[auth.Account])}
	a.notifier, _ = cfg.Store.(store.Notifier)
	a.start(cfg.Store)
	return a, nil
}

// Close ends the watch of the Store and returns once it has ended. From then on every
// lookup asks your application's Accounts, and nothing is kept. If the Store is a
// [Cache], close that afterwards. Closing again does nothing. The error is always nil.
func (a *Accounts) Close() error {
	a.close()
	return nil
}

// Account implements [auth.Accounts]. The account that it returns is shared by all
// callers and must not be modified. If it is kept, it is returned even if ctx is done.
// Otherwise the error is that of your application's Accounts, unchanged, or that of ctx.
func (a *Accounts) Account(ctx context.Context, subject string) (*auth.Account, error) {
	if a.closed.Load() {
		return a.accounts.Account(ctx, subject)
	}
	r := a.arrive()
	if k, ok := a.kept.GetIfPresent(subject); ok && a.usable(&k.basis, r) {
		return k.value, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return a.queries.find(ctx, subject, r)
}

// Forget makes the next lookup of an account ask your application's Accounts, in this
// process and, through the Store, in the others. Call it once the change can be seen by a query:
// after the transaction is committed. No lookup that starts after Forget has returned
// uses an answer from before, not even that of a query in flight.
//
// An error means that the Store may not have notified other processes: there the change
// takes effect within MaxStale. This process has forgotten the account in any case. If
// there is no Store, or it is no [store.Notifier], Forget returns nil.
func (a *Accounts) Forget(ctx context.Context, subject string) error {
	d := accountDigest(subject)
	a.history.forget(a.history.digest(d))
	if a.notifier == nil {
		return nil
	}
	if err := a.notifier.Notify(ctx, d); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("cache: forget account %q in other processes: %w", subject, err)
	}
	return nil
}

// accountDigest returns the digest by which processes notify each other of a change to
// an account. It never equals the digest of a credential: those are of text without a
// zero byte.
func accountDigest(subject string) store.Digest {
	return sha256.Sum256([]byte("keystile account\x00" + subject))
}

var errNoAccount = errors.New("cache: Accounts returned neither an account nor an error")

// lookUp implements source.
func (a *Accounts) lookUp(ctx context.Context, subject string) (*auth.Account, error) {
	account, err := a.accounts.Account(ctx, subject)
	if account == nil && err == nil {
		return nil, errNoAccount
	}
	return account, err
}

// marks implements source.
func (a *Accounts) marks(subject string, _ *auth.Account) marks {
	all := &a.history.all
	return marks{a.history.digest(accountDigest(subject)), all, all, all, all, all}
}

// keep implements source.
func (a *Accounts) keep(subject string, k *answer[auth.Account]) {
	if k.err == nil {
		a.kept.Set(subject, k)
	}
}
