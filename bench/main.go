// Bench measures keystile beside what a Go team would pick instead, and writes
// what it has seen. From the root of the repository:
//
//	go run ./bench                                 # all of it, a quarter of an hour
//	go run ./bench -short -out ""                  # shows that everything works
//	go run ./bench -parts ways,memory              # some of it
//	go run ./bench -guard bench/baseline.json      # fails if something allocates more
//	go run ./bench -against PROGRAM                # fails if something costs more than in another build
//	go run ./bench -write-baseline bench/baseline.json
//
// Run the first one on a machine that does nothing else. PostgreSQL and Redis
// must be installed; it starts servers of its own.
//
// Its neighbour keeps services under load while their stores fail, and proves
// that nothing acknowledged is lost and nothing revoked is accepted:
//
//	go run ./bench/soak -for 30m
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/keystile/keystile/bench/internal/report"
	"github.com/keystile/keystile/bench/internal/whole"
)

func main() {
	var argument string
	if len(os.Args) > 1 {
		argument = os.Args[1]
	}
	var err error
	switch measure := measuring(argument); {
	case argument == whole.ServeArgument:
		err = whole.Serve(os.Stdin, os.Stdout)
	case argument == whole.GenerateArgument:
		err = whole.Generate(os.Stdin, os.Stdout)
	case measure != nil:
		err = measure()
	default:
		err = run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	short := flag.Bool("short", false, "measure little, in less than a minute")
	only := flag.String("parts", strings.Join(partNames(), ","), "which parts to measure")
	out := flag.String("out", "bench", "the directory to write RESULTS.md and the charts to; empty: none")
	guard := flag.String("guard", "", "compare allocations with this baseline, and do nothing else")
	against := flag.String("against", "", "compare keystile with what this other build of this `program` measures, and do nothing else")
	baseline := flag.String("write-baseline", "", "write this baseline, and do nothing else")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unknown argument %q", flag.Arg(0))
	case *guard != "":
		return compareBaseline(*guard)
	case *against != "":
		return compareProgram(*against)
	case *baseline != "":
		return writeBaseline(*baseline)
	}

	chosen := strings.Split(*only, ",")
	for _, name := range chosen {
		if !slices.Contains(partNames(), name) {
			return fmt.Errorf("-parts %q: there are %s", name, strings.Join(partNames(), ", "))
		}
	}
	if *out != "" {
		if _, err := os.Stat(*out); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no directory %q: run this from the root of the repository", *out)
		}
	}
	r := &report.Results{Short: *short, Machine: report.ThisMachine(), Notes: notes}
	for _, p := range parts {
		if !slices.Contains(chosen, p.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", p.name)
		if err := p.measure(r, *short); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		runtime.GC() // so that no part pays for the one before
	}
	if err := r.Write(os.Stdout); err != nil || *out == "" {
		return err
	}
	return save(r, *out)
}

// save writes the results and the charts.
func save(r *report.Results, dir string) error {
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		return err
	}
	for name, content := range map[string]string{"RESULTS.md": text.String(), "peers.svg": report.PeersChart(r), "growth.svg": report.GrowthChart(r)} {
		if content == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
