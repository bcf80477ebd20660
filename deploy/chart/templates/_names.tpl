{{/* Names and labels that every template uses. */}}

{{- define "readyup.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "readyup.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "readyup.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "readyup.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "readyup.selector" -}}
app.kubernetes.io/name: {{ include "readyup.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "readyup.labels" -}}
{{ include "readyup.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: readyup
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* `image` as a table with repository, tag and digest; `default` is the tag of an empty one. */}}
{{- define "readyup.image" -}}
{{- if .image.digest -}}
{{ printf "%s@%s" .image.repository .image.digest }}
{{- else -}}
{{ printf "%s:%s" .image.repository (default .default .image.tag) }}
{{- end }}
{{- end }}

{{/*
Whether a class of the whole cluster is this release's to make: nobody has made it yet, or this
release did. One of another `value` than asked for is refused, since a value never changes.
*/}}
{{- define "readyup.class.ours" -}}
{{- $group := get (dict "PriorityClass" "scheduling.k8s.io/v1" "RuntimeClass" "node.k8s.io/v1") .kind }}
{{- $found := lookup $group .kind "" .name | default dict }}
{{- $by := dig "metadata" "annotations" dict $found }}
{{- $whose := printf "%s/%s" (get $by "meta.helm.sh/release-namespace") (get $by "meta.helm.sh/release-name") }}
{{- if or (not $found) (eq $whose (printf "%s/%s" .root.Release.Namespace .root.Release.Name)) }}
{{- "yes" }}
{{- else if and .value (ne (int .value) (int $found.value)) }}
{{- fail (printf "PriorityClass %s is there already, with the value %d: set priorityClass.name to another name" .name (int $found.value)) }}
{{- end }}
{{- end }}

{{/* A Service's whole name, so that resolvers ask once. */}}
{{- define "readyup.host" -}}
{{ printf "%s.%s.svc.%s" .name .root.Release.Namespace .root.Values.clusterDomain }}
{{- end }}

{{/* What a container of ours may do: nothing. */}}
{{- define "readyup.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "readyup.stranger" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "readyup.join.secret" -}}
{{- .Values.keys.existingSecret | default (printf "%s-join" (include "readyup.fullname" .)) }}
{{- end }}
