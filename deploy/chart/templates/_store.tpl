{{/* Where the state is: an address for the settings, passwords for the environment. */}}

{{- define "readyup.store.url" -}}
{{- $full := include "readyup.fullname" . }}
{{- $nodes := include "readyup.valkey.nodes" . }}
{{- $hosts := list }}
{{- $port := ternary 26379 6379 (eq .Values.valkey.mode "sentinel") }}
{{- range $n := until (include "readyup.valkey.count" . | int) }}
{{- $hosts = append $hosts (printf "%s-valkey-%d.%s:%d" $full $n $nodes $port) }}
{{- end }}
{{- if eq .Values.valkey.mode "sentinel" -}}
redis+sentinel://{{ join "," $hosts }}/readyup
{{- else if eq .Values.valkey.mode "cluster" -}}
redis+cluster://{{ join "," $hosts }}
{{- else if eq .Values.valkey.mode "single" -}}
redis://{{ first $hosts }}/0
{{- else -}}
{{ .Values.valkey.external.url }}
{{- end }}
{{- end }}

{{- define "readyup.store.env" -}}
{{- $secret := include "readyup.valkey.secret" . }}
{{- if $secret }}
- name: READYUP_STORE_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: password } }
{{- if eq .Values.valkey.mode "sentinel" }}
- name: READYUP_SENTINEL_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: password } }
{{- else if eq .Values.valkey.mode "external" }}
- name: READYUP_SENTINEL_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: sentinel-password, optional: true } }
{{- end }}
{{- end }}
{{- end }}

{{/* The Secret with the key `password`; none for a store of yours without one. */}}
{{- define "readyup.valkey.secret" -}}
{{- if eq .Values.valkey.mode "external" }}
{{- .Values.valkey.external.existingSecret }}
{{- else }}
{{- .Values.valkey.existingSecret | default (printf "%s-valkey" (include "readyup.fullname" .)) }}
{{- end }}
{{- end }}
