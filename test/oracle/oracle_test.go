//go:build oracle

// SPDX-License-Identifier: Apache-2.0

// Package oracle runs what the Python gate allows in the sandbox image, and
// fails when it has an effect that the report does not name.
//
//	go -C hack/images run . python
//	[CORPORA=DIR] go test -tags oracle -count=1 -v ./test/oracle
//
// Needs root on Linux. Without CORPORA it runs the samples in testdata.
package oracle

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/python"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

const imageArchive = "../../bin/images/python.tar"

type sample struct {
	Corpus string `json:"corpus"`
	Label  string `json:"label"`
	Lang   string `json:"lang"`
	ID     any    `json:"id"`
	Code   string `json:"code"`
}

// sandbox is a running testdata/watch.py in the unpacked image.
type sandbox struct {
	in  *json.Encoder
	out *bufio.Reader
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("the oracle needs root, to enter the image and to leave root in it")
	}
	if _, err := os.Stat(imageArchive); err != nil {
		t.Fatalf("%v: build it with go -C hack/images run . python", err)
	}
	root := t.TempDir()
	if text, err := exec.CommandContext(t.Context(), "../../hack/gatetables/unpack.sh", imageArchive, root).CombinedOutput(); err != nil {
		t.Fatalf("unpack the image: %v\n%s", err, text)
	}
	watch, err := os.ReadFile("testdata/watch.py")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "airlock/watch.py"), watch, 0o644); err != nil {
		t.Fatal(err)
	}
	return start(t, root)
}

func start(t *testing.T, root string) *sandbox {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "sh", "-c",
		`mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/python3 -I -B /airlock/watch.py`, root)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "MPLBACKEND=Agg", "MPLCONFIGDIR=/tmp"}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the sandbox ended: %v", err)
		}
	})
	return &sandbox{json.NewEncoder(in), bufio.NewReader(out)}
}

// run gives the events of a sample and how it ended.
func (s *sandbox) run(t *testing.T, code string) (events []event, end string) {
	t.Helper()
	if err := s.in.Encode(map[string]string{"code": code}); err != nil {
		t.Fatal(err)
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("the sandbox died: %v", err)
	}
	var answer struct {
		Events []event `json:"events"`
		End    string  `json:"end"`
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Events, answer.End
}

// unnamed gives the effects of a sample that its report does not name.
func unnamed(events []event, r *report.Report) []string {
	var out []string
	for _, e := range events {
		if !isNamed(e, r.Operations) {
			out = append(out, fmt.Sprintf("%s %s%s (by %s)", e.Name, e.Path, e.Detail, e.File))
		}
	}
	return out
}

func TestAllowedCodeHasOnlyEffectsThatItsReportNames(t *testing.T) {
	box := newSandbox(t)
	for _, name := range sampleFiles(t) {
		ran, read, ends := 0, 0, map[string]int{}
		for _, s := range readSamples(t, name) {
			if !slices.Contains([]string{"python", "py", "python3"}, strings.ToLower(s.Lang)) {
				continue
			}
			read++
			r := python.Read([]byte(s.Code))
			allowed := isAllowed(r)
			if (s.Label == "allowed" || s.Label == "refused") && allowed != (s.Label == "allowed") {
				t.Errorf("%s %v: allowed = %v, want %s: %+v", filepath.Base(name), s.ID, allowed, s.Label, r.Operations)
			}
			if !allowed {
				continue
			}
			events, end := box.run(t, s.Code)
			ran++
			ends[end]++
			for _, effect := range unnamed(events, r) {
				t.Errorf("%s %v: %s", filepath.Base(name), s.ID, effect)
			}
			if s.Label == "allowed" && end != "end" {
				t.Errorf("%s %v: ended with %s", filepath.Base(name), s.ID, end)
			}
		}
		t.Logf("%s: %d of %d samples are allowed and ran: %v", filepath.Base(name), ran, read, ends)
	}
}

// TestTheOracleSeesEffects is the positive control: what the gate refuses has
// effects that an empty report does not name.
func TestTheOracleSeesEffects(t *testing.T) {
	box := newSandbox(t)
	for name, code := range map[string]string{
		"a file of the system":      "open('/etc/passwd')",
		"a file that is written":    "open('/workspace/x', 'w')",
		"a file that a library has": "open('/usr/lib/os-release')",
		"a directory":               "import os\nos.listdir('/')",
		"a removal":                 "import os\nos.remove('/workspace/x')",
		"a move":                    "import os\nopen('/tmp/a', 'w')\nos.rename('/tmp/a', '/tmp/b')",
		"a table":                   "import pandas\npandas.read_csv('/etc/passwd')",
		"a figure":                  "import matplotlib.pyplot as p\np.savefig('/tmp/x.png')",
		"a process":                 "import os\nos.system('id')",
		"a process of subprocess":   "import subprocess\nsubprocess.Popen(['id'])",
		"a fork":                    "import os\nos.fork()",
		"a socket":                  "import socket\nsocket.socket()",
		"a name that is resolved":   "import socket\nsocket.gethostbyname('localhost')",
		"code in a string":          "eval('1')",
		"a foreign function":        "import ctypes\nctypes.CDLL(None)",
		"a pickle":                  "import pickle\npickle.loads(b'cos\\nsystem\\n.')",
		"the code of a function":    "(lambda: 0).__code__",
		"an environment variable":   "import os\nos.environ['A'] = 'b'",
		"another directory":         "import os\nos.chdir('/')",
	} {
		t.Run(name, func(t *testing.T) {
			events, end := box.run(t, code)
			if len(unnamed(events, &report.Report{})) == 0 {
				t.Errorf("no effect was seen; events %+v, end %s", events, end)
			}
		})
	}
}

func sampleFiles(t *testing.T) []string {
	t.Helper()
	files := []string{"testdata/samples.jsonl"}
	if dir := os.Getenv("CORPORA"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.jsonl*"))
		if err != nil || len(more) == 0 {
			t.Fatalf("no *.jsonl or *.jsonl.gz in %s (%v)", dir, err)
		}
		files = append(files, more...)
	}
	return files
}

func readSamples(t *testing.T, name string) []sample {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	var samples []sample
	for lines := json.NewDecoder(in); ; {
		var s sample
		switch err := lines.Decode(&s); err {
		case nil:
			samples = append(samples, s)
		case io.EOF:
			return samples
		default:
			t.Fatalf("%s: %v", name, err)
		}
	}
}
