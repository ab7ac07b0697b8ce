// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// results are all measurements of one run.
type results struct {
	Machine   machine      `json:"machine"`
	Burst     []*summary   `json:"burst,omitempty"`
	Steady    []*summary   `json:"steady,omitempty"`
	Idle      *idleResult  `json:"idle,omitempty"`
	Budgets   []budgetLine `json:"budgets"`
	workloads []string
}

// machine is where it was measured.
type machine struct {
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
	OS   string `json:"os"`
}

// summary is one workload under one kind of load, over all rounds.
type summary struct {
	Workload string    `json:"workload"`
	Objects  int       `json:"objects"`
	Seconds  float64   `json:"seconds"`
	ToPod    quantiles `json:"createToPodMilliseconds"`
	ToDone   quantiles `json:"createToDoneMilliseconds"`
	Cost     cost      `json:"cost"`

	toPod, toDone []time.Duration
}

type quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

// idleResult is what the operator does when nothing happens.
type idleResult struct {
	Seconds  float64        `json:"seconds"`
	CPU      float64        `json:"operatorCPUSeconds"`
	Requests map[string]int `json:"operatorRequests"`
}

// budgetLine is one promise beside what was measured.
type budgetLine struct {
	What   string  `json:"what"`
	Got    float64 `json:"got"`
	Budget float64 `json:"budget"`
	AtMost bool    `json:"atMost"`
}

func (l budgetLine) met() bool {
	if l.AtMost {
		return l.Got <= l.Budget
	}
	return l.Got >= l.Budget
}

func newResults(o options) *results {
	return &results{Machine: machine{CPUs: runtime.NumCPU(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH}, workloads: o.workloads}
}

// add puts one phase to the others of its workload.
func (r *results) add(kind, workload string, times []timeline, took time.Duration, spent cost) {
	list := &r.Burst
	if kind == "steady" {
		list = &r.Steady
	}
	i := slices.IndexFunc(*list, func(s *summary) bool { return s.Workload == workload })
	if i < 0 {
		*list = append(*list, &summary{Workload: workload, Cost: cost{CPU: map[string]float64{}, Requests: map[string]int{}}})
		i = len(*list) - 1
	}
	s := (*list)[i]
	s.Objects += len(times)
	s.Seconds += took.Seconds()
	for _, t := range times {
		if !t.pod.IsZero() {
			s.toPod = append(s.toPod, t.pod.Sub(t.created))
		}
		s.toDone = append(s.toDone, t.done.Sub(t.created))
	}
	s.ToPod, s.ToDone = quantilesOf(s.toPod), quantilesOf(s.toDone)
	for name, seconds := range spent.CPU {
		s.Cost.CPU[name] += seconds
	}
	for key, n := range spent.Requests {
		s.Cost.Requests[key] += n
	}
	s.Cost.EtcdPuts += spent.EtcdPuts
	s.Cost.EtcdBytes += spent.EtcdBytes
	s.Cost.ResidentMiB += spent.ResidentMiB
	s.Cost.HeapMiB += spent.HeapMiB
}

func quantilesOf(all []time.Duration) quantiles {
	if len(all) == 0 {
		return quantiles{}
	}
	all = slices.Sorted(slices.Values(all))
	at := func(q float64) float64 {
		return float64(all[int(q*float64(len(all)-1))]) / float64(time.Millisecond)
	}
	return quantiles{at(0.5), at(0.9), at(0.99)}
}

func (s *summary) perSecond() float64 { return float64(s.Objects) / s.Seconds }

// per is a cost of one object.
func (s *summary) per(total float64) float64 { return total / float64(s.Objects) }

// writes counts the writes of one client for each object.
func (s *summary) writes(client string) float64 {
	n := 0
	for key, count := range s.Cost.Requests {
		if strings.HasPrefix(key, client+" ") && isWrite(key) {
			n += count
		}
	}
	return s.per(float64(n))
}

func (s *summary) allCPU() float64 {
	total := 0.0
	for _, seconds := range s.Cost.CPU {
		total += seconds
	}
	return total
}

// controller is who moves a workload's objects.
func controller(workload string) string {
	switch workload {
	case "job":
		return "job-controller"
	case "request", "approval":
		return "operator"
	default:
		return "none"
	}
}

// print writes the tables that docs/performance.md shows.
func (r *results) print(w io.Writer) {
	fmt.Fprintf(w, "\n%d CPUs, %s, %s\n", r.Machine.CPUs, r.Machine.OS, r.Machine.Go)
	printSummaries(w, "Burst", r.Burst)
	printSummaries(w, "Steady", r.Steady)
	for _, s := range r.Burst {
		printRequests(w, s)
	}
	if r.Idle != nil {
		fmt.Fprintf(w, "\nIdle for %.0f s: operator CPU %.2f s, requests to the API server: %s\n", r.Idle.Seconds, r.Idle.CPU, listCounts(r.Idle.Requests))
	}
	r.Budgets = r.budgets()
	printBudgets(w, r.Budgets)
}

func printSummaries(w io.Writer, title string, list []*summary) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "workload\tobjects\tdone/s\tto pod p50\tp99 ms\tto done p50\tp90\tp99 ms\twrites of its controller\tetcd puts\tetcd kB\tAPI server CPU s/1000\tall CPU s/1000\toperator CPU s/1000\theap MiB/1000\t")
	for _, s := range list {
		thousand := float64(s.Objects) / 1000
		fmt.Fprintf(table, "%s\t%d\t%.1f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.1f\t\n", s.Workload, s.Objects, s.perSecond(),
			s.ToPod.P50, s.ToPod.P99, s.ToDone.P50, s.ToDone.P90, s.ToDone.P99, s.writes(controller(s.Workload)), s.per(s.Cost.EtcdPuts), s.per(s.Cost.EtcdBytes)/1000,
			s.Cost.CPU["kube-apiserver"]/thousand, s.allCPU()/thousand, s.Cost.CPU["operator"]/thousand, s.Cost.HeapMiB/thousand)
	}
	_ = table.Flush() // to a terminal or a buffer
}

// printRequests lists every kind of request that an object costs, by client.
func printRequests(w io.Writer, s *summary) {
	fmt.Fprintf(w, "\nRequests to the API server for one %s\n", s.Workload)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, key := range slices.Sorted(maps.Keys(s.Cost.Requests)) {
		if per := s.per(float64(s.Cost.Requests[key])); per >= 0.01 {
			fmt.Fprintf(table, "  %s\t%.2f\n", strings.ReplaceAll(key, " ", "\t"), per)
		}
	}
	_ = table.Flush()
}

// budgets compares with what docs/performance.md promises. Ratios are taken within the run.
func (r *results) budgets() []budgetLine {
	find := func(list []*summary, name string) *summary {
		if i := slices.IndexFunc(list, func(s *summary) bool { return s.Workload == name }); i >= 0 {
			return list[i]
		}
		return nil
	}
	var lines []budgetLine
	pod, jobs, request, approval := find(r.Burst, "pod"), find(r.Burst, "job"), find(r.Burst, "request"), find(r.Burst, "approval")
	if request != nil {
		thousand := float64(request.Objects) / 1000
		lines = append(lines,
			budgetLine{"operator writes for a request that is allowed", request.writes("operator"), 4, true},
			budgetLine{"etcd puts for a request that is allowed", request.per(request.Cost.EtcdPuts), 8, true},
			budgetLine{"operator CPU seconds for 1,000", request.Cost.CPU["operator"] / thousand, 3, true},
			budgetLine{"operator live heap MiB for 1,000", request.Cost.HeapMiB / thousand, 4, true},
			budgetLine{"Pod creates for a request", request.per(float64(request.Cost.Requests["operator create pods"])), 1.05, true},
		)
		if pod != nil {
			lines = append(lines, budgetLine{"throughput beside bare Pods", request.perSecond() / pod.perSecond(), 0.65, false})
		}
		if jobs != nil {
			lines = append(lines, budgetLine{"throughput beside Jobs", request.perSecond() / jobs.perSecond(), 1.4, false})
		}
	}
	if approval != nil {
		lines = append(lines, budgetLine{"operator writes for a request with one approval", approval.writes("operator"), 7, true})
	}
	if s := find(r.Steady, "request"); s != nil {
		lines = append(lines, budgetLine{"create to done p50 ms at the steady rate", s.ToDone.P50, 60, true})
	}
	if r.Idle != nil {
		n := 0
		for _, count := range r.Idle.Requests {
			n += count
		}
		lines = append(lines, budgetLine{"requests of the idle operator", float64(n), 0, true})
	}
	return lines
}

func printBudgets(w io.Writer, lines []budgetLine) {
	fmt.Fprintln(w, "\nBudgets")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		sign, word := ">=", "missed"
		if l.AtMost {
			sign = "<="
		}
		if l.met() {
			word = "met"
		}
		fmt.Fprintf(table, "  %s\t%.2f\t%s %.2f\t%s\n", l.What, l.Got, sign, l.Budget, word)
	}
	_ = table.Flush()
}

// byClient picks the requests of one client.
func byClient(requests map[string]int, client string) map[string]int {
	out := map[string]int{}
	for key, n := range requests {
		if rest, ok := strings.CutPrefix(key, client+" "); ok {
			out[rest] = n
		}
	}
	return out
}

func listCounts(counts map[string]int) string {
	if len(counts) == 0 {
		return "none"
	}
	words := make([]string, 0, len(counts))
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s %d", key, counts[key]))
	}
	return strings.Join(words, ", ")
}

func (r *results) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the results: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil { //nolint:gosec // results are for everybody
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}
