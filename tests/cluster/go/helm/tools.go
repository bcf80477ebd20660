//go:build tools

// Package tools names the command that is built from here, so that go.sum covers all of it.
package tools

import _ "helm.sh/helm/v4/pkg/cmd"
