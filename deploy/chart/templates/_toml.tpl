{{/* Tables as TOML: maps become [tables], lists and what is in them stay on one line. */}}

{{- define "readyup.toml" -}}
{{- $path := .path }}
{{- $table := .table }}
{{- range $key := keys $table | sortAlpha }}
{{- $value := index $table $key }}
{{- if not (or (kindIs "map" $value) (kindIs "invalid" $value)) }}
{{ include "readyup.toml.key" $key }} = {{ include "readyup.toml.value" $value }}
{{- end }}
{{- end }}
{{- range $key := keys $table | sortAlpha }}
{{- $value := index $table $key }}
{{- if kindIs "map" $value }}
{{- $inner := append $path (include "readyup.toml.key" $key) }}
{{- $plain := not $value }}
{{- range $value }}
{{- $plain = or $plain (not (kindIs "map" .)) }}
{{- end }}
{{- if $plain }}

[{{ join "." $inner }}]
{{- end }}
{{- include "readyup.toml" (dict "path" $inner "table" $value) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "readyup.toml.key" -}}
{{- if regexMatch "^[A-Za-z0-9_-]+$" . }}{{ . }}{{ else }}{{ toJson . }}{{ end }}
{{- end }}

{{- define "readyup.toml.value" -}}
{{- if kindIs "map" . -}}
{{- $table := . -}}
{{- $parts := list -}}
{{- range $key := keys $table | sortAlpha -}}
{{- $value := include "readyup.toml.value" (index $table $key) -}}
{{- $parts = append $parts (printf "%s = %s" (include "readyup.toml.key" $key) $value) -}}
{{- end -}}
{ {{ join ", " $parts }} }
{{- else if kindIs "slice" . -}}
{{- $parts := list -}}
{{- range . -}}
{{- $parts = append $parts (include "readyup.toml.value" .) -}}
{{- end -}}
[{{ join ", " $parts }}]
{{- else -}}
{{ toJson . }}
{{- end -}}
{{- end }}
