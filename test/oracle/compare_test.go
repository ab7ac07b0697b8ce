//go:build oracle

// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// event is what the audit hook of CPython reports; testdata/watch.py says more.
type event struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Write  bool   `json:"write"`
	Direct bool   `json:"direct"`
	File   string `json:"file"`
	Detail string `json:"detail"`
}

// isAllowed is the judge: imports, computation, and files of which the path is known.
func isAllowed(r *report.Report) bool {
	return r.Error == nil && len(r.Limits) == 0 && !slices.ContainsFunc(r.Operations, func(op report.Operation) bool {
		switch op.Kind {
		case report.Import, report.Compute:
			return false
		case report.FileRead, report.FileWrite, report.FileDelete:
			return op.Args.Path == nil || op.Args.Path.Known != report.Literal || !isBelow(op.Args.Path.Value, "/workspace", "/tmp", "/inputs")
		default:
			return true
		}
	})
}

func isBelow(name string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") })
}

// harmless are events without an effect outside of the process. Modules are
// opened as files, which is an event of its own.
var harmless = regexp.MustCompile(`^(import|builtins\.id|builtins\.input.*|array\.__new__|sys\.(unraisablehook|excepthook|_getframe|_current_frames)|object\.__(set|del)attr__|time\.sleep|cpython\.PyInterpreterState.*|` +
	`gc\..*|glob\.glob|os\.walk|os\.fwalk|pathlib\.Path\.r?glob|shutil\..*|tempfile\..*|sqlite3\.connect/handle|_thread\.start_new_thread|re\..*|marshal\.(loads|load))$`)

// ownBusiness are events by which libraries and the interpreter do their own
// work. Each is a violation when the sample itself causes it.
var ownBusiness = regexp.MustCompile(`^(object\.__getattr__|code\.__new__|function\.__new__|compile|exec|sys\.set_asyncgen_hook_\w+)$`)

// isWakeUp reports whether e is the pair of local sockets by which an event loop wakes itself up.
func isWakeUp(e event) bool {
	return e.Name == "socket.__new__" && strings.HasSuffix(e.File, "/socket.py") && strings.HasSuffix(e.Detail, "family=0, type=0, proto=0> 1 1 0")
}

// compilers are the files of the library that compile or run code: imports,
// namedtuple and dataclass, which check the names that they are given; syntax
// trees that are not run; and the expressions of pandas.
var compilers = regexp.MustCompile(`^(<frozen .*|/usr/lib/python3[.0-9]*/(ast|dataclasses|enum|collections/__init__|importlib/__init__)\.py|/usr/lib/python3/dist-packages/pandas/core/computation/\w+\.py)$`)

// libraries are where the interpreter and its libraries keep their own files.
var libraries = []string{"/usr/lib", "/usr/share", "/usr/bin", "/etc/localtime", "/etc/mime.types", "/dev/null", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/proc/self/status"}

// isNamed reports whether an operation of the report names the effect of e.
func isNamed(e event, operations []report.Operation) bool {
	switch {
	case harmless.MatchString(e.Name), isWakeUp(e):
		return true
	case e.Name == "compile" || e.Name == "exec":
		return !e.Direct && compilers.MatchString(e.File)
	case ownBusiness.MatchString(e.Name):
		return !e.Direct
	case e.Path == "":
		return false
	}
	name := path.Clean(e.Path)
	if !e.Direct && !e.Write && isBelow(name, libraries...) {
		return true
	}
	return slices.ContainsFunc(operations, func(op report.Operation) bool {
		return op.Args.Path != nil && (!e.Write || op.Kind != report.FileRead) && covers(op.Args.Path.Value, name, e)
	})
}

// covers reports whether an operation on declared can act on name: the same, what
// is below it, a directory above it that is made on the way, or, where libraries
// append one, the name with an extension.
func covers(declared, name string, e event) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(declared), "XXXXXXXX", `[^/]+`)
	extension := ""
	if e.Write {
		extension = `|\.[a-z0-9.]+`
	}
	if regexp.MustCompile(`^` + pattern + `(/.*` + extension + `)?$`).MatchString(name) {
		return true
	}
	return e.Name == "os.mkdir" && isBelow(declared, name)
}
