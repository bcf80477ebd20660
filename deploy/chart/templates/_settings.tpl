{{/* The service's settings: the chart's part, and above it yours. As JSON, for fromJson. */}}

{{- define "readyup.settings" -}}
{{- $ports := .Values.ports }}
{{- $every := "0.0.0.0" }}
{{- $sessions := include "readyup.host" (dict "root" . "name" (printf "%s-sessions" (include "readyup.fullname" .))) }}
{{- $kubernetes := dict
    "namespace" .Values.game.namespace
    "sessions_url" (printf "ws://%s:%v/v1/servers/connect" $sessions .Values.services.sessions.port) }}
{{- if .Values.webhooks.enabled }}
{{- $_ := set $kubernetes "webhook_port" $ports.webhooks }}
{{- $_ := set $kubernetes "webhook_cert" "/etc/readyup/webhooks/tls.crt" }}
{{- $_ := set $kubernetes "webhook_key" "/etc/readyup/webhooks/tls.key" }}
{{- $_ := set $kubernetes "webhook_ca" "/etc/readyup/webhooks/ca.crt" }}
{{- $_ := set $kubernetes "webhook_at" (printf "%s/%s-webhooks:%v" .Release.Namespace (include "readyup.fullname" .) $ports.webhooks) }}
{{- end }}
{{- $ours := dict
    "events" false
    "store" (dict
      "url" (include "readyup.store.url" .)
      "durability" (ternary "replica" "none" (has .Values.valkey.mode (list "sentinel" "cluster"))))
    "api" (dict "host" $every "port" $ports.api)
    "sessions" (dict "host" $every "port" $ports.sessions)
    "console" (dict "host" $every "port" $ports.console)
    "admin" (dict "host" $every "port" $ports.admin)
    "kubernetes" $kubernetes }}
{{- if .Values.keys.first }}
{{- $made := include "readyup.made" . | fromJson }}
{{- $operator := dict "name" "first" "role" "admin" "token_sha256" (sha256sum $made.operator) }}
{{- $backend := dict "name" "first" "key_sha256" (sha256sum $made.backend) }}
{{- $_ := set $ours.api "backends" (list $backend) }}
{{- $_ := set $ours.console "operators" (list $operator) }}
{{- end }}
{{- $yours := deepCopy .Values.settings }}
{{- if .Values.keys.first }}
{{- $backends := concat $ours.api.backends (dig "api" "backends" list $yours) }}
{{- $operators := concat $ours.console.operators (dig "console" "operators" list $yours) }}
{{- $yours = mergeOverwrite $yours (dict "api" (dict "backends" $backends) "console" (dict "operators" $operators)) }}
{{- end }}
{{- mergeOverwrite $ours $yours | toJson }}
{{- end }}
