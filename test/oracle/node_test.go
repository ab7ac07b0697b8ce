//go:build oracle

// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/javascript"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// benignJavaScript are programs that the gate should allow; it expects data.csv and sales.csv.
const benignJavaScript = "../eval/testdata/benign-javascript.jsonl"

// sampleData are what the samples find in /workspace and /inputs.
var sampleData = map[string]string{
	"data.csv":  "id,name,amount\n1,ann,10\n2,bob,20\n3,cy,30\n",
	"sales.csv": "date,region,product,qty,price\n2026-01-02,north,widget,3,9.5\n2026-01-03,south,gadget,1,20\n2026-02-01,north,gadget,2,20\n2026-02-11,east,widget,5,9.5\n",
}

// needsNode skips where the programs that this oracle runs are not installed.
func needsNode(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("the oracle needs root, to run samples on an overlay of the machine")
	}
	for _, name := range []string{"node", "strace", "unshare"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("skipped, nothing of JavaScript was run: %v", err)
		}
	}
	text, err := exec.CommandContext(t.Context(), "node", "--version").Output()
	if version := strings.TrimSpace(string(text)); err != nil || !strings.HasPrefix(version, "v20.") {
		t.Skipf("skipped, nothing of JavaScript was run: the tables are of Node 20, and this is Node %q (%v)", version, err)
	}
}

// runTraced runs a script under strace, and gives its system calls and how it ended.
func runTraced(t *testing.T, interpreter, name, code string) (events []event, end, stderr string) {
	t.Helper()
	out, base := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(out, "files"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range sampleData {
		writeFile(t, filepath.Join(out, "files", file), text)
	}
	writeFile(t, filepath.Join(out, "files", name), code)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "sh", "testdata/traced.sh", base, out, interpreter, name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return readTrace(t, filepath.Join(out, "trace")), strings.TrimSpace(readFile(t, filepath.Join(out, "end"))), readFile(t, filepath.Join(out, "stderr"))
}

// runScript runs code as a script, or as a module if it can only be one.
func runScript(t *testing.T, code string) (events []event, end string) {
	t.Helper()
	events, end, stderr := runTraced(t, "node", "main.js", code)
	if strings.Contains(stderr, "Cannot use import statement") || strings.Contains(stderr, "await is only valid") || strings.Contains(stderr, "Unexpected token 'export'") {
		events, end, _ = runTraced(t, "node", "main.mjs", code)
	}
	return events, end
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	callPattern = regexp.MustCompile(`^\d+ +(\w+)\((.*)`)
	// pathPattern finds what the directory descriptor of a path stands for, and the path.
	pathPattern = regexp.MustCompile(`(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"`)
	writing     = regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND`)
)

// readTrace gives the system calls of a trace: each path is an event, and each call
// without a path.
func readTrace(t *testing.T, name string) []event {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []event
	started := false
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := callPattern.FindStringSubmatch(lines.Text())
		switch {
		case m == nil:
		case m[1] == "execve" && !started:
			started = true
		case strings.HasPrefix(m[1], "clone") && strings.Contains(m[2], "CLONE_THREAD"):
		default:
			out = append(out, callEvents(m[1], m[2])...)
		}
	}
	if err := lines.Err(); err != nil || !started {
		t.Fatalf("the trace does not begin with the interpreter (%v)", err)
	}
	return out
}

func callEvents(name, args string) []event {
	write := !strings.HasPrefix(name, "open") || writing.MatchString(args)
	if name == "mkdir" || name == "mkdirat" {
		name = "os.mkdir" // as covers knows it
	}
	paths := pathPattern.FindAllStringSubmatch(args, -1)
	if slices.Contains([]string{"execve", "execveat", "socket", "connect", "bind", "clone", "clone3", "fork", "vfork", "kill", "tkill", "ptrace", "mount", "chdir", "chroot", "memfd_create"}, name) || len(paths) == 0 {
		return []event{{Name: name, Detail: " " + args}}
	}
	if strings.HasPrefix(name, "open") || strings.HasPrefix(name, "symlink") {
		paths = paths[:1] // nothing else in them is the path of a file that is touched
	}
	var out []event
	for _, p := range paths {
		path := p[2]
		if !filepath.IsAbs(path) {
			path = filepath.Join(orWorkspace(p[1]), path)
		}
		out = append(out, event{Name: name, Path: filepath.Clean(path), Write: write})
	}
	return out
}

func orWorkspace(dir string) string {
	if dir == "" {
		return report.WorkingDirectory
	}
	return dir
}

// ownOfNode are files that Node and its libraries read on their own: the loader's,
// what os.cpus and Intl look up, and the packages that a script might belong to.
var ownOfNode = regexp.MustCompile(`^(/etc/(ld\.so\.(cache|preload)|localtime|ssl/openssl\.cnf)|/usr/(local/)?(lib|share)/.*|/lib(64)?/.*|/usr/(local/)?bin/node|/proc/(self/.*|cpuinfo|meminfo|stat|uptime|loadavg|version_signature|sys/vm/overcommit_memory)|/sys/(fs/cgroup|devices/system/cpu|kernel/mm)(/.*)?|` +
	`/dev/(null|u?random|tty|pts)|(/workspace)?/package\.json|/workspace/main\.m?js)$`)

func isNamedForNode(e event, operations []report.Operation) bool {
	if e.Path == "" {
		return false
	}
	if !e.Write && ownOfNode.MatchString(e.Path) {
		return true
	}
	return slices.ContainsFunc(operations, func(op report.Operation) bool {
		return op.Args.Path != nil && op.Args.Path.Known == report.Literal && (!e.Write || op.Kind != report.FileRead) &&
			covers(op.Args.Path.Value, e.Path, e)
	})
}

func unnamedForNode(events []event, operations []report.Operation) []string {
	var out []string
	for _, e := range events {
		if !isNamedForNode(e, operations) {
			out = append(out, fmt.Sprintf("%s %s%s", e.Name, e.Path, e.Detail))
		}
	}
	return out
}

func TestAllowedJavaScriptHasOnlyEffectsThatItsReportNames(t *testing.T) {
	needsNode(t)
	for _, name := range append(sampleFiles(t), benignJavaScript) {
		read, typed, ends := 0, 0, map[string]int{}
		for _, s := range readSamples(t, name) {
			switch strings.ToLower(s.Lang) {
			case "javascript", "js", "node":
			case "typescript", "ts":
				typed++ // Node 20 does not run it
				continue
			default:
				continue
			}
			read++
			r := javascript.Read(report.JavaScript, []byte(s.Code))
			if !isAllowed(r) {
				continue
			}
			events, end := runScript(t, s.Code)
			ends[end]++
			for _, effect := range unnamedForNode(events, r.Operations) {
				t.Errorf("%s %v: %s", filepath.Base(name), s.ID, effect)
			}
			if name == benignJavaScript && end != "0" {
				t.Errorf("%s %v: ended with %s", filepath.Base(name), s.ID, end)
			}
		}
		if read+typed == 0 {
			continue
		}
		t.Logf("%s: of %d samples in JavaScript those that are allowed ran, and ended with %v; %d in TypeScript did not run, as Node 20 cannot", filepath.Base(name), read, ends, typed)
	}
}

// TestTheNodeOracleSeesEffects is the positive control: what the gate refuses has
// effects that an empty report does not name.
func TestTheNodeOracleSeesEffects(t *testing.T) {
	needsNode(t)
	for name, code := range map[string]string{
		"a file of the system":    "require('fs').readFileSync('/etc/passwd')",
		"a file that is written":  "require('fs').writeFileSync('x', '')",
		"a directory":             "require('fs').readdirSync('/')",
		"a removal":               "require('fs').rmSync('data.csv')",
		"a move":                  "require('fs').renameSync('data.csv', 'b')",
		"a link":                  "require('fs').symlinkSync('/etc', 'b')",
		"a process":               "require('child_process').execSync('true')",
		"a process that runs on":  "require('child_process').spawn('true')",
		"a socket":                "require('net').connect(9, '127.0.0.1').on('error', () => {})",
		"a server":                "require('net').createServer().listen(0, function () { this.close() })",
		"a name that is resolved": "require('dns').lookup('example.com', () => {})",
		"a watch":                 "require('fs').watch('/etc').close()",
		"another directory":       "process.chdir('/')",
		"a signal":                "process.kill(process.pid, 0)",
		"code that writes":        "eval(\"require('fs').mkdirSync('x')\")",
		"a module of the machine": "import('/etc/hostname').catch(() => {})",
		"a file by promise":       "require('fs').promises.readFile('/etc/passwd')",
		"a stream":                "require('fs').createReadStream('/etc/passwd').resume()",
		"a worker that reads":     "new (require('worker_threads').Worker)(\"require('fs').readFileSync('/etc/passwd')\", { eval: true })",
		"the owner of a file":     "require('fs').chownSync('data.csv', 1, 1)",
		"the mode of a file":      "require('fs').chmodSync('data.csv', 0o600)",
		"the times of a file":     "require('fs').utimesSync('data.csv', 1, 1)",
		"a copy":                  "require('fs').copyFileSync('data.csv', 'c.csv')",
		"a report of diagnostics": "process.report.writeReport('r.json')",
		"a heap that is written":  "require('v8').writeHeapSnapshot('h')",
	} {
		t.Run(name, func(t *testing.T) {
			events, end := runScript(t, code)
			if len(unnamedForNode(events, nil)) == 0 {
				t.Errorf("no effect was seen; events %+v, end %s", events, end)
			}
		})
	}
}

// TestTheNodeOracleKnowsWhatNodeDoesItself holds that a script that does nothing has no effect.
func TestTheNodeOracleKnowsWhatNodeDoesItself(t *testing.T) {
	needsNode(t)
	for _, code := range []string{"", "export {}", "console.log(require('os').cpus().length, new Date().toLocaleString('de-DE'), require('crypto').randomUUID())"} {
		events, end := runScript(t, code)
		if got := unnamedForNode(events, nil); len(got) != 0 || end != "0" {
			t.Errorf("%s: ended with %s; %v", code, end, got)
		}
	}
}
