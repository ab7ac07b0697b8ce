// SPDX-License-Identifier: Apache-2.0

package build

// Program is one executable of a component.
type Program struct {
	// Package is the import path to build, "." for the component's own main package.
	Package string
	// Name is the file name of the executable.
	Name string
}

// Asset is a directory that a component needs besides its programs, copied out of a Go module.
type Asset struct {
	// Module is the path of the module that holds the directory.
	Module string
	// Dir is the directory inside the module, Name the one inside the component's cache entry.
	Dir, Name string
}

// Component is a Go module below components/ whose programs are built together.
type Component struct {
	// Name is the directory below components/.
	Name string
	// Programs are built in this order.
	Programs []Program
	// Assets are copied beside the programs.
	Assets []Asset
	// Tags are build tags, LDFlags go to the linker after -s -w.
	Tags, LDFlags string
	// CGO builds with the C compiler: runc's first process enters namespaces before Go starts.
	CGO bool
}

const (
	kubernetesVersion = "v1.36.3"
	kubernetesFlags   = "-X k8s.io/component-base/version.gitVersion=" + kubernetesVersion +
		" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36" +
		" -X k8s.io/component-base/version.gitTreeState=clean" +
		" -X k8s.io/client-go/pkg/version.gitVersion=" + kubernetesVersion
	ciliumModule = "github.com/cilium/cilium"
)

// ControlPlane lists what an API server needs.
func ControlPlane() []Component {
	return []Component{
		{
			Name:     "etcd",
			Programs: []Program{{Package: "go.etcd.io/etcd/server/v3", Name: "etcd"}},
		},
		{
			Name:     "kubernetes",
			Programs: []Program{{Package: ".", Name: "kubernetes"}},
			Tags:     "grpcnotrace",
			LDFlags:  kubernetesFlags,
		},
	}
}

// Node lists what a whole node needs, the control plane included.
func Node() []Component {
	return append(ControlPlane(),
		Component{
			Name: "containerd",
			Programs: []Program{
				{Package: "github.com/containerd/containerd/v2/cmd/containerd", Name: "containerd"},
				{Package: "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2", Name: "containerd-shim-runc-v2"},
				{Package: "github.com/containerd/containerd/v2/cmd/ctr", Name: "ctr"},
			},
			Tags:    "no_btrfs,no_devmapper,no_zfs,no_tracing,no_aufs",
			LDFlags: "-X github.com/containerd/containerd/v2/version.Version=2.4.2",
		},
		Component{
			Name:     "runc",
			Programs: []Program{{Package: "github.com/opencontainers/runc", Name: "runc"}},
			Tags:     "seccomp",
			LDFlags:  "-X main.version=1.5.2",
			CGO:      true,
		},
		Component{Name: "pause", Programs: []Program{{Package: ".", Name: "pause"}}},
		Component{
			Name:     "coredns",
			Programs: []Program{{Package: ".", Name: "coredns"}},
			Tags:     "grpcnotrace",
		},
		Component{
			Name: "cilium",
			Programs: []Program{
				{Package: ciliumModule + "/daemon", Name: "cilium-agent"},
				{Package: ciliumModule + "/plugins/cilium-cni", Name: "cilium-cni"},
			},
			Assets: []Asset{
				{Module: ciliumModule, Dir: "bpf", Name: "bpf"},
				{Module: ciliumModule, Dir: "pkg/k8s/apis/cilium.io/client/crds", Name: "crds"},
			},
			Tags:    "grpcnotrace",
			LDFlags: "-X github.com/cilium/cilium/pkg/version.ciliumVersion=1.20.1",
		},
	)
}
