// SPDX-License-Identifier: Apache-2.0

// Package network turns what sandboxes may reach into Cilium's policies, as
// values. It is pure.
//
// One policy denies everything to every pod of the sandbox namespace. One more
// for each egress profile, the set of destinations that a request was granted,
// opens exactly these; pods with equal sets share it, because a label of its own
// for each pod would cost a Cilium identity each.
package network
