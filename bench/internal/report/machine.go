package report

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// A Machine is where and of what a run was.
type Machine struct {
	Processor  string
	Processors int
	System     string
	Go         string
	Date       string
	Commit     string
	Versions   map[string]string // by module
}

// ThisMachine describes the machine and the program.
func ThisMachine() Machine {
	m := Machine{
		Processor: processor(), Processors: runtime.GOMAXPROCS(0), System: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), Date: time.Now().UTC().Format("2006-01-02"), Commit: commit(), Versions: make(map[string]string),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			m.Versions[dep.Path] = dep.Version
		}
	}
	return m
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	c := strings.TrimSpace(string(out))
	// What a run writes by itself is no change.
	if out, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)bench/RESULTS.md", ":(top,exclude)bench/*.svg", ":(top,exclude)bench/baseline.json").Output(); err == nil && len(out) > 0 {
		c += ", changed"
	}
	return c
}
