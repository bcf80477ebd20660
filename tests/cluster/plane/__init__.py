"""A real control plane on loopback, without a container runtime.

- `binaries`, `toolchain`: where etcd, Kubernetes and Agones come from;
- `network`, `pki`, `programs`: a network of its own, certificates, processes;
- `kubernetes`, `agones`: how each part is started;
- `kubelet`, `nodes`: the stand-in for nodes and their kubelets, a process of its own;
- `real`: pods whose game and SDK server do run, beside the test;
- `plane`: all of it together, which is what tests use.
"""
