// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path"
	"slices"
	"strings"
)

// The two layers: the interpreter changes rarely, the libraries on top of it are
// what is most likely to be added to.
var (
	interpreterPackages = []string{"base-files", "ca-certificates", "netbase", "python3", "tzdata"}
	libraryPackages     = []string{"libopenblas0-serial", "python3-matplotlib", "python3-numpy", "python3-pandas"}
)

// excludedPackages are dependencies that Python does not need at run time. What
// only they need is left out with them.
var excludedPackages = []string{
	// A shell and its tools: what code that breaks out of Python would reach for first.
	"bash", "dash", "coreutils", "mawk", "original-awk", "perl-base", "tar", "openssl",
	// Package management and what only maintainer scripts call; none of them run.
	"debconf", "dpkg", "libc-bin", "lsb-base", "media-types", "sysvinit-utils", "x11-common",
	// Tk and X11 toolkits: there is no display, matplotlib draws with Agg.
	"blt", "python3-pil.imagetk", "python3-tk",
	// Compilers and headers, dependencies of Pythran and of building extensions.
	"g++", "gcc", "python3-all-dev", "python3-distutils", "python3-lib2to3", "python3-pythran",
	// Options of fonttools and matplotlib that are imported only on use.
	"python3-fs", "python3-lxml", "python3-lz4", "python3-pkg-resources", "python3-scipy", "python3-sympy",
	"python3-ufolib2", "unicode-data",
	// Documentation and its scripts.
	"libjs-jquery", "libjs-jquery-ui", "libjs-sphinxdoc", "libjs-underscore",
	// NIS, with Kerberos behind it: deprecated, and a client for networks that the sandbox does not have.
	"libnsl2",
}

// excludedPaths are left out of the packages that are unpacked. A pattern
// matches a path and everything below it; "**/" is any directory.
var excludedPaths = []string{
	// Documentation, translations and other people's metadata.
	"usr/lib/binfmt.d", "usr/share/applications", "usr/share/awk", "usr/share/base-files", "usr/share/binfmts", "usr/share/bash-completion", "usr/share/bug",
	"usr/share/common-licenses", "usr/share/dict", "usr/share/doc", "usr/share/doc-base", "usr/share/gcc",
	"usr/share/gdb", "usr/share/info", "usr/share/lintian", "usr/share/locale", "usr/share/man", "usr/share/menu",
	"usr/share/misc", "usr/share/perl5", "usr/share/pixmaps", "usr/share/python3", "usr/share/readline",
	// Headers and static libraries.
	"usr/include", "**/*.a", "**/*.la", "**/pkgconfig",
	// Character set converters of iconv; Python has its own.
	"usr/lib/*/gconv",
	// Helpers that would be executed.
	"usr/lib/cgi-bin", "usr/lib/mime", "usr/lib/valgrind", "usr/lib/*/glib-2.0",
	// Python: tests, Tk, the editor, the bundled pip, build tools and NIS.
	"usr/lib/python3/dist-packages/**/tests", "usr/lib/python3.11/test", "usr/lib/python3.11/tkinter",
	"usr/lib/python3.11/turtle*", "usr/lib/python3.11/idlelib", "usr/lib/python3.11/ensurepip",
	"usr/lib/python3.11/pydoc_data", "usr/lib/python3.11/lib-dynload/nis.*", "usr/lib/python3.11/lib-dynload/_tkinter.*",
	"usr/share/matplotlib/sample_data", "usr/share/matplotlib/mpl-data/sample_data",
	// Directories that a read-only root has no use for.
	"boot", "dev", "home", "media", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "var",
}

// keptPrograms and keptSettings are all that is kept of the programs and of /etc:
// new ones in an updated package stay out until they are named.
var (
	keptPrograms = []string{"python3", "python3.11"}
	keptSettings = []string{
		"etc/debian_version", "etc/host.conf", "etc/matplotlibrc", "etc/os-release", "etc/protocols",
		"etc/python3.11", "etc/rpc", "etc/services",
	}
)

func keepInPython(name string) bool {
	switch {
	case strings.HasPrefix(name, "etc/"):
		return slices.ContainsFunc(keptSettings, func(p string) bool { return matches(p, name) })
	case strings.HasPrefix(name, "usr/bin/"), strings.HasPrefix(name, "usr/sbin/"), strings.HasPrefix(name, "usr/games/"):
		return slices.Contains(keptPrograms, path.Base(name))
	}
	return !slices.ContainsFunc(excludedPaths, func(p string) bool { return matches(p, name) })
}

// matches says whether name or a directory above it matches the pattern.
func matches(pattern, name string) bool {
	before, after, anywhere := strings.Cut(pattern, "**/")
	for at := range len(name) + 1 {
		if at < len(name) && name[at] != '/' {
			continue
		}
		candidate := name[:at]
		if anywhere {
			rest, below := strings.CutPrefix(candidate, before)
			candidate, pattern = path.Base(rest), after
			if !below {
				continue
			}
		}
		if ok, _ := path.Match(pattern, candidate); ok {
			return true
		}
	}
	return false
}
