{{/* Names and settings of the Valkeys. */}}

{{- define "readyup.valkey.count" -}}
{{ get (dict "single" 1 "sentinel" 3 "cluster" 6 "external" 0) .Values.valkey.mode }}
{{- end }}

{{- define "readyup.valkey.nodes" -}}
{{ include "readyup.host" (dict "root" . "name" (printf "%s-valkey-nodes" (include "readyup.fullname" .))) }}
{{- end }}

{{/* docs/redis.md and docs/chart.md have the reasons. */}}
{{- define "readyup.valkey.conf" -}}
dir /data
port 6379
maxmemory {{ .Values.valkey.maxmemory }}
maxmemory-policy noeviction
appendonly yes
appendfsync everysec
no-appendfsync-on-rewrite no
save ""
tcp-keepalive 30
lua-time-limit 100
latency-monitor-threshold 25
repl-diskless-sync yes
repl-backlog-size 64mb
repl-timeout 10
client-output-buffer-limit replica 256mb 64mb 60
{{- if eq .Values.valkey.mode "sentinel" }}
min-replicas-to-write 1
min-replicas-max-lag 5
{{- end }}
{{- if eq .Values.valkey.mode "cluster" }}
cluster-enabled yes
cluster-config-file /data/nodes.conf
cluster-node-timeout 3000
cluster-require-full-coverage no
cluster-allow-reads-when-down no
cluster-preferred-endpoint-type hostname
{{- end }}
{{- end }}

{{- define "readyup.valkey.env" -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
- name: VALKEY_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ include "readyup.valkey.secret" . }}, key: password } }
- name: FIRST
  value: {{ include "readyup.fullname" . }}-valkey-0
- name: NODES
  value: {{ include "readyup.valkey.nodes" . }}
{{- end }}
