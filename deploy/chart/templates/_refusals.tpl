{{/* What the schema cannot see: values that contradict one another, with the cure. */}}

{{- define "readyup.refusals" -}}
{{- $settings := include "readyup.settings" . | fromJson }}
{{- $keys := concat (dig "api" "backends" list $settings) (dig "api" "issuers" list $settings) }}
{{- if not $keys }}
{{- fail "no key would open the player API: set settings.api.issuers or settings.api.backends, or keys.first: true" }}
{{- end }}
{{- if and (gt (int .Values.roles.console.replicas) 0) (not (dig "console" "operators" list $settings)) }}
{{- fail "the console needs operators: set settings.console.operators or keys.first: true, or roles.console.replicas: 0" }}
{{- end }}
{{- range $name, $fleet := $settings.fleets }}
{{- if not (hasKey $fleet "pod") }}
{{- fail (printf "settings.fleets.%s has no pod: in a cluster fleets are pods; give it pod.image" $name) }}
{{- end }}
{{- range $key := list "buffer" "size_min" "size_max" }}
{{- if and (hasKey $fleet "replicas") (hasKey $fleet $key) }}
{{- fail (printf "settings.fleets.%s has %s beside replicas, which is a fixed size: write `%s: null` if it came from the chart's example, or leave replicas out" $name $key $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $queue := $settings.queues }}
{{- range $fleet := ternary (list $queue.fleet) $queue.fleet (kindIs "string" $queue.fleet) }}
{{- if not (or (hasKey $settings.fleets $fleet) (hasKey ($settings.own_fleets | default dict) $fleet)) }}
{{- fail (printf "settings.queues.%s plays on %s, which is none of settings.fleets: name one of them, or write `%s: null` if the queue came from the chart's example" $name $fleet $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.events.enabled (regexMatch "^kafkas?://[^/]*@" .Values.events.to) (not .Values.events.kafka.existingSecret) }}
{{- fail "events.to names a user: set events.kafka.existingSecret, whose key password is the user's" }}
{{- end }}
{{- if not $settings.store.url }}
{{- fail "valkey.mode: external needs valkey.external.url, e.g. redis+sentinel://s-0:26379,s-1:26379/readyup" }}
{{- end }}
{{- if and (eq .Values.webhooks.tls "existing") .Values.webhooks.enabled (not .Values.webhooks.existingSecret) }}
{{- fail "webhooks.tls: existing needs webhooks.existingSecret, with tls.crt, tls.key and ca.crt" }}
{{- end }}
{{- end }}
