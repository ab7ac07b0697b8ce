// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"os"
	"text/template"

	"github.com/airlock-dev/airlock/hack/cluster/internal/pki"
)

//go:embed config/kubeconfig.yaml
var kubeconfigTemplate string

// Kubeconfig returns the administrator's kubeconfig.
func (c *Cluster) Kubeconfig() (string, error) {
	if err := c.load(); err != nil {
		return "", err
	}
	content, err := os.ReadFile(c.KubeconfigPath())
	if err != nil {
		return "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	return string(content), nil
}

// KubeconfigPath is where the administrator's kubeconfig is.
func (c *Cluster) KubeconfigPath() string { return c.dir("kubeconfig") }

// BinDir holds kubectl and, with a node, ctr.
func (c *Cluster) BinDir() string { return c.dir("bin") }

// User returns a kubeconfig with a new client certificate for a user and groups, signed by the cluster's authority.
func (c *Cluster) User(name string, groups []string) (string, error) {
	if err := c.load(); err != nil {
		return "", err
	}
	cert, key, err := c.pki().Sign(pki.Subject{CommonName: name, Organizations: groups})
	if err != nil {
		return "", fmt.Errorf("sign a certificate for %s: %w", name, err)
	}
	return c.renderKubeconfig(name, cert, key)
}

// ensureKubeconfig writes the kubeconfig of a component or the administrator with its certificate.
func (c *Cluster) ensureKubeconfig(path, name string, subject pki.Subject) error {
	if err := c.pki().Ensure(name, subject); err != nil {
		return err
	}
	cert, err := os.ReadFile(c.pki().Cert(name))
	if err != nil {
		return fmt.Errorf("read the certificate of %s: %w", name, err)
	}
	key, err := os.ReadFile(c.pki().Key(name))
	if err != nil {
		return fmt.Errorf("read the key of %s: %w", name, err)
	}
	text, err := c.renderKubeconfig(subject.CommonName, cert, key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the kubeconfig of %s: %w", name, err)
	}
	return nil
}

func (c *Cluster) renderKubeconfig(user string, cert, key []byte) (string, error) {
	ca, err := os.ReadFile(c.pki().Cert("ca"))
	if err != nil {
		return "", fmt.Errorf("read the authority: %w", err)
	}
	encode := base64.StdEncoding.EncodeToString
	return render(kubeconfigTemplate, map[string]string{
		"Cluster": c.Name, "Server": c.state.server(), "User": user, "CA": encode(ca), "Cert": encode(cert), "Key": encode(key),
	})
}

// render fills in a template; a name that the data lacks is an error.
func render(text string, data any) (string, error) {
	t, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", fmt.Errorf("parse a configuration template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return "", fmt.Errorf("fill in a configuration template: %w", err)
	}
	return out.String(), nil
}
