// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/internal/runner"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// nodes play the kubelets: what is bound runs at once and succeeds at once, with one write each, as a kubelet's fastest pod
// would. No code runs.
type nodes struct {
	client client.Client
	admin  *rest.Config
	count  int
	// kubelets are the clients of the nodes, by node name: only a pod's own kubelet may write its status.
	kubelets map[string]client.Client
	work     chan *corev1.Pod
}

const (
	nodeWorkers   = 32
	leaseDuration = 40 * time.Second
)

// start creates the nodes and keeps them alive until the context ends.
func (n *nodes) start(ctx context.Context) error {
	n.work, n.kubelets = make(chan *corev1.Pod, 1<<16), map[string]client.Client{}
	for i := range n.count {
		if err := n.create(ctx, i); err != nil {
			return err
		}
	}
	go n.renew(ctx)
	for range nodeWorkers {
		go func() {
			for {
				select {
				case <-ctx.Done():
					return
				case pod := <-n.work:
					n.play(ctx, pod)
				}
			}
		}()
	}
	return nil
}

func nodeName(i int) string { return fmt.Sprintf("simulated-%d", i) }

func (n *nodes) create(ctx context.Context, i int) error {
	room := corev1.ResourceList{"cpu": resource.MustParse("10000"), "memory": resource.MustParse("10000Gi"), "pods": resource.MustParse("100000"), "ephemeral-storage": resource.MustParse("10000Gi")}
	as := rest.CopyConfig(n.admin)
	as.Impersonate = rest.ImpersonationConfig{UserName: "system:node:" + nodeName(i), Groups: []string{"system:nodes", "system:authenticated"}}
	var err error
	if n.kubelets[nodeName(i)], err = client.New(as, client.Options{Scheme: n.client.Scheme()}); err != nil {
		return fmt.Errorf("make a node's client: %w", err)
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), Labels: map[string]string{"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}}}
	if err := n.client.Create(ctx, node); apierrors.IsAlreadyExists(err) {
		err = n.client.Get(ctx, client.ObjectKeyFromObject(node), node)
		if err != nil {
			return fmt.Errorf("read node: %w", err)
		}
	} else if err != nil {
		return fmt.Errorf("create node: %w", err)
	}
	before := node.DeepCopy()
	node.Status = corev1.NodeStatus{Capacity: room, Allocatable: room, Conditions: []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Simulated", LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(),
	}}}
	if err := n.client.Status().Patch(ctx, node, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("make node ready: %w", err)
	}
	return nil
}

// renew keeps the leases of the nodes, as kubelets do.
func (n *nodes) renew(ctx context.Context) {
	ticker := time.NewTicker(leaseDuration / 4)
	defer ticker.Stop()
	for {
		for i := range n.count {
			lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: nodeName(i)}}
			spec := coordinationv1.LeaseSpec{HolderIdentity: &lease.Name, LeaseDurationSeconds: new(int32(leaseDuration / time.Second)), RenewTime: new(metav1.NowMicro())}
			if err := n.client.Get(ctx, client.ObjectKeyFromObject(lease), lease); err == nil {
				lease.Spec = spec
				_ = n.client.Update(ctx, lease) // the next round tries again
				continue
			}
			lease.Spec = spec
			_ = n.client.Create(ctx, lease)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// see takes over a pod that was bound, and one whose end is asked for.
func (n *nodes) see(pod *corev1.Pod) {
	ended := pod.Status.Phase == corev1.PodSucceeded // the API server removes it by itself
	if ownerOf(pod) != "" && n.kubelets[pod.Spec.NodeName] != nil && !ended && (pod.Status.Phase == corev1.PodPending || pod.DeletionTimestamp != nil) {
		n.work <- pod
	}
}

func (n *nodes) play(ctx context.Context, pod *corev1.Pod) {
	kubelet := n.kubelets[pod.Spec.NodeName]
	if pod.DeletionTimestamp != nil {
		_ = kubelet.Delete(ctx, pod, client.GracePeriodSeconds(0)) // gone already, or seen again
		return
	}
	now := metav1.Now()
	running := pod.DeepCopy()
	running.Status.Phase, running.Status.StartTime = corev1.PodRunning, &now
	running.Status.ContainerStatuses = n.containers(pod, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}})
	if err := kubelet.Status().Patch(ctx, running, client.MergeFrom(pod)); err != nil {
		return
	}
	ended := running.DeepCopy()
	ended.Status.Phase = corev1.PodSucceeded
	ended.Status.ContainerStatuses = n.containers(pod, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ContainerID: "containerd://simulated", Reason: "Completed", StartedAt: now, FinishedAt: metav1.Now(), Message: report(pod),
	}})
	_ = kubelet.Status().Patch(ctx, ended, client.MergeFrom(running))
}

func (n *nodes) containers(pod *corev1.Pod, state corev1.ContainerState) []corev1.ContainerStatus {
	out := make([]corev1.ContainerStatus, 0, len(pod.Spec.Containers))
	for _, c := range pod.Spec.Containers {
		out = append(out, corev1.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: c.Image, ContainerID: "containerd://simulated", State: state})
	}
	return out
}

// report is what the runner writes in a sandbox pod, and nothing in another pod.
func report(pod *corev1.Pod) string {
	source, ok := pod.Annotations[sandbox.AnnotationCode]
	if !ok {
		return ""
	}
	code, empty := sha256.Sum256([]byte(source)), sha256.Sum256(nil)
	none := runner.Output{SHA256: hex.EncodeToString(empty[:])}
	at := time.Now().UTC().Truncate(time.Millisecond)
	text, err := runner.Report{
		Version: runner.ReportVersion, Reason: runner.Completed, StartedAt: at, FinishedAt: at,
		CodeSHA256: hex.EncodeToString(code[:]), Stdout: none, Stderr: none,
	}.Encode()
	if err != nil {
		return err.Error()
	}
	return string(text)
}
