{{/*
What nobody brought: keys, a password, a certificate. Made once in a rendering, and what the
cluster holds already is kept. Where a renderer cannot ask the cluster (helm template, Argo CD)
they are new each time: bring your own there.
*/}}

{{- define "readyup.made" -}}
{{- if not (hasKey .Values "made") }}
{{- $_ := set .Values "made" (include "readyup.makes" . | fromJson) }}
{{- end }}
{{- toJson .Values.made }}
{{- end }}

{{- define "readyup.kept" -}}
{{- $name := printf "%s-%s" (include "readyup.fullname" .root) .secret }}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace $name | default dict }}
{{- get (get $found "data" | default dict) .key | b64dec }}
{{- end }}

{{- define "readyup.makes" -}}
{{- $join := dict
    "private" (include "readyup.kept" (dict "root" . "secret" "join" "key" "READYUP_JOIN_KEY"))
    "public" (include "readyup.kept" (dict "root" . "secret" "join" "key" "READYUP_JOIN_KEY_PUBLIC")) }}
{{- if not $join.private }}
{{- $join = include "readyup.joinKeys" . | fromJson }}
{{- end }}
{{- $made := dict "join" $join }}
{{- range $name, $place := dict
    "backend" (list "first-keys" "backend" "rub_")
    "operator" (list "first-keys" "operator" "ruo_")
    "password" (list "valkey" "password" "") }}
{{- $kept := include "readyup.kept" (dict "root" $ "secret" (index $place 0) "key" (index $place 1)) }}
{{- $_ := set $made $name (default (printf "%s%s" (index $place 2) (randAlphaNum 43)) $kept) }}
{{- end }}
{{- toJson $made }}
{{- end }}

{{/*
A pair of join keys. Ed25519's private key is the last 32 of its 48 bytes in PKCS #8; the public
one stands in a certificate behind the bytes that name the algorithm (RFC 8410).
*/}}
{{- define "readyup.joinKeys" -}}
{{- $pem := genPrivateKey "ed25519" }}
{{- $certificate := genSelfSignedCertWithKey "readyup" nil nil 1 $pem }}
{{- $private := include "readyup.hex" $pem | substr 32 96 }}
{{- $public := regexFind "302a300506032b6570032100[0-9a-f]{64}" (include "readyup.hex" $certificate.Cert) | substr 24 88 }}
{{- dict "private" $private "public" $public | toJson }}
{{- end }}

{{- define "readyup.hex" -}}
{{- regexReplaceAll "-----[^-]+-----|\\s" . "" | b64dec | printf "%x" }}
{{- end }}
