// Soak puts services under load while their stores fail, and proves by a ledger
// that nothing acknowledged is lost and nothing revoked is accepted. From the
// root of the repository:
//
//	go run ./bench/soak -for 30m                       # all engines side by side
//	go run ./bench/soak -for 2m -engine postgres+cache # one of them
//
// PostgreSQL and Redis must be installed; it starts servers of its own. It ends
// with status 1 if something was not as it must be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/bench/internal/soak"
	"github.com/keystile/keystile/bench/internal/testbed"
)

func main() {
	var err error
	if len(os.Args) > 1 && os.Args[1] == soak.ServeArgument {
		err = soak.Serve(os.Stdin, os.Stdout)
	} else {
		err = run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run() error {
	var p soak.Plan
	flag.DurationVar(&p.For, "for", time.Minute, "how long")
	flag.IntVar(&p.Clients, "clients", 32, "how many clients each service has")
	flag.DurationVar(&p.Pause, "pause", 100*time.Millisecond, "how long a client waits between two steps, on average")
	flag.Uint64Var(&p.Seed, "seed", rand.Uint64(), "what the clients' choices follow from; random unless set")
	engine := flag.String("engine", "all", "which engine, or several with commas: "+strings.Join(soak.Engines, ", "))
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flag.Arg(0))
	}
	engines := soak.Engines
	if *engine != "all" {
		engines = strings.Split(*engine, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Printf("seed %d\n", p.Seed)
	var mu sync.Mutex
	var errs []error
	var wait sync.WaitGroup
	for _, engine := range engines {
		wait.Go(func() {
			var r *soak.Report
			err := testbed.Run(func(tb testing.TB) (err error) {
				r, err = soak.Run(ctx, tb, engine, p)
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				err = r.Write(os.Stdout)
			}
			if err == nil && !r.OK() {
				err = errors.New("it has not kept its word")
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", engine, err))
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}
