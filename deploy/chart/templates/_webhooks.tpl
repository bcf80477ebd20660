{{/* The certificate of the webhooks, and the documents that lead to them. */}}

{{- define "readyup.webhooks.secret" -}}
{{- if eq .Values.webhooks.tls "existing" -}}
{{ .Values.webhooks.existingSecret }}
{{- else -}}
{{ include "readyup.fullname" . }}-webhooks
{{- end }}
{{- end }}

{{/*
A certificate of our own: an authority for ten years, whose key no pod sees, and a certificate
for two that an upgrade renews. Both are kept from one upgrade to the next.
*/}}
{{- define "readyup.certificate" -}}
{{- if not (hasKey .Values "certificate") }}
{{- $_ := set .Values "certificate" (include "readyup.certificate.makes" . | fromJson) }}
{{- end }}
{{- toJson .Values.certificate }}
{{- end }}

{{- define "readyup.certificate.makes" -}}
{{- $host := printf "%s-webhooks.%s.svc" (include "readyup.fullname" .) .Release.Namespace }}
{{- $authority := dict
    "Cert" (include "readyup.kept" (dict "root" . "secret" "webhooks-authority" "key" "ca.crt"))
    "Key" (include "readyup.kept" (dict "root" . "secret" "webhooks-authority" "key" "ca.key")) }}
{{- $made := dict
    "cert" (include "readyup.kept" (dict "root" . "secret" "webhooks" "key" "tls.crt"))
    "key" (include "readyup.kept" (dict "root" . "secret" "webhooks" "key" "tls.key"))
    "at" (include "readyup.kept" (dict "root" . "secret" "webhooks" "key" "made-at")) }}
{{- $now := now | unixEpoch }}
{{- $old := gt (sub ($now | int64) ($made.at | default "0" | int64)) (mul .Values.webhooks.renewAfterDays 86400) }}
{{- $signer := dict }}
{{- if $authority.Cert }}
{{- $signer = buildCustomCert (b64enc $authority.Cert) (b64enc $authority.Key) }}
{{- else }}
{{- $signer = genCA "readyup-webhooks" 3650 }}
{{- $old = true }}
{{- end }}
{{- if $old }}
{{- $hosts := list $host (printf "%s.%s" $host .Values.clusterDomain) }}
{{- $signed := genSignedCert $host nil $hosts 730 $signer }}
{{- $made = dict "cert" $signed.Cert "key" $signed.Key "at" $now }}
{{- end }}
{{- merge $made (dict "ca" $signer.Cert "caKey" $signer.Key) | toJson }}
{{- end }}

{{/* Base64 of the authority; empty where cert-manager writes it, or you left it out. */}}
{{- define "readyup.caBundle" -}}
{{- if eq .Values.webhooks.tls "self-signed" }}
{{- get (include "readyup.certificate" . | fromJson) "ca" | b64enc }}
{{- else if eq .Values.webhooks.tls "existing" }}
{{- .Values.webhooks.caBundle }}
{{- end }}
{{- end }}

{{- define "readyup.clientConfig" -}}
{{- $ports := .root.Values.ports -}}
service:
  name: {{ include "readyup.fullname" .root }}-webhooks
  namespace: {{ .root.Release.Namespace }}
  path: {{ .path }}
  port: {{ $ports.webhooks }}
{{- with include "readyup.caBundle" .root }}
caBundle: {{ . }}
{{- end }}
{{- end }}
