{{/*
A fleet's documents, the same that `readyup fleet render` prints; a test compares them. Each
template takes `root`, `name` and `fleet` (its settings) and gives JSON.
*/}}

{{/* A table with what it leaves out; unlike merge it does not reach into tables. */}}
{{- define "readyup.filled" -}}
{{- $table := deepCopy .table }}
{{- range $key, $value := .defaults }}
{{- if not (hasKey $table $key) }}
{{- $_ := set $table $key $value }}
{{- end }}
{{- end }}
{{- toJson $table }}
{{- end }}

{{- define "readyup.fleet.spec" -}}
{{- $pod := dict "args" list "pull" "IfNotPresent" "pull_secrets" list "memory" "256Mi"
    "sidecar_cpu" "30m" "sidecar_memory" "32Mi" "host_network" true "port_range" "default"
    "node_labels" (dict "readyup/cpu-manager" "static") "arch" "amd64"
    "tolerations" (list "gameserver=true:NoSchedule") "numa" false "realtime" false
    "runtime_class" "" "runtime_handler" "" "priority_class" "readyup-gameservers"
    "hugepages" dict "eviction" "Never" "mesh" false "non_root" true "surge" "25%"
    "unavailable" "25%" "labels" dict "annotations" dict "extra_pod" dict "extra_container" dict }}
{{- $fleet := dict "command" list "reserve" 0 "buffer" 0 "size_min" 0 "size_max" 10000 "rooms" 1
    "cpus" 1 "version" "" "env" dict "grace_s" 1800 "health" dict }}
{{- $health := dict "period_s" 5 "failure_threshold" 3 "initial_delay_s" 5 }}
{{- $spec := include "readyup.filled" (dict "table" .fleet "defaults" $fleet) | fromJson }}
{{- $_ := set $spec "pod" (include "readyup.filled" (dict "table" .fleet.pod "defaults" $pod) | fromJson) }}
{{- $_ := set $spec "health" (include "readyup.filled" (dict "table" $spec.health "defaults" $health) | fromJson) }}
{{- $_ := set $spec "name" .name }}
{{- toJson $spec }}
{{- end }}

{{/* `extra` into `base`: tables into tables, lists after lists, the rest replaced. */}}
{{- define "readyup.merged" -}}
{{- $whole := deepCopy .base }}
{{- range $key, $value := .extra }}
{{- $there := get $whole $key }}
{{- if and (kindIs "map" $there) (kindIs "map" $value) }}
{{- $value = include "readyup.merged" (dict "base" $there "extra" $value) | fromJson }}
{{- else if and (kindIs "slice" $there) (kindIs "slice" $value) }}
{{- $value = concat $there $value }}
{{- end }}
{{- $_ := set $whole $key $value }}
{{- end }}
{{- toJson $whole }}
{{- end }}

{{/* A taint as kubectl writes it, as a toleration. */}}
{{- define "readyup.toleration" -}}
{{- $effect := regexFind ":(NoSchedule|NoExecute|PreferNoSchedule)$" . }}
{{- $taint := trimSuffix $effect . }}
{{- $wanted := dict "key" (regexReplaceAll "=.*$" $taint "") "operator" "Exists" }}
{{- if contains "=" $taint }}
{{- $_ := set $wanted "operator" "Equal" }}
{{- $_ := set $wanted "value" (regexReplaceAll "^[^=]*=" $taint "") }}
{{- end }}
{{- if $effect }}
{{- $_ := set $wanted "effect" (trimPrefix ":" $effect) }}
{{- end }}
{{- toJson $wanted }}
{{- end }}

{{- define "readyup.tolerations" -}}
{{- $all := list }}
{{- range . }}
{{- $all = append $all (include "readyup.toleration" . | fromJson) }}
{{- end }}
{{- toJson $all }}
{{- end }}

{{/* Labels without which a node does not get these servers, as expressions and in order. */}}
{{- define "readyup.nodes" -}}
{{- $wanted := list }}
{{- if .arch }}
{{- $wanted = append $wanted (dict "key" "kubernetes.io/arch" "operator" "In" "values" (list .arch)) }}
{{- end }}
{{- range $key := keys .node_labels | sortAlpha }}
{{- $wanted = append $wanted (dict "key" $key "operator" "In" "values" (list (get $.node_labels $key))) }}
{{- end }}
{{- if .numa }}
{{- $wanted = append $wanted (dict "key" "readyup/topology-manager" "operator" "In" "values" (list "single-numa-node")) }}
{{- end }}
{{- if .realtime }}
{{- $wanted = append $wanted (dict "key" "feature.node.kubernetes.io/kernel-config.PREEMPT_RT" "operator" "In" "values" (list "true")) }}
{{- end }}
{{- toJson $wanted }}
{{- end }}

{{- define "readyup.fleet.environment" -}}
{{- $spec := .spec }}
{{- $sessions := (include "readyup.settings" .root | fromJson).kubernetes.sessions_url }}
{{- $told := list }}
{{- range $key := keys $spec.env | sortAlpha }}
{{- if get $spec.env $key }}
{{- $told = append $told (dict "name" $key "value" (get $spec.env $key)) }}
{{- end }}
{{- end }}
{{- range $pair := list
    (list "READYUP_FLEET" $spec.name) (list "READYUP_ROOMS" ($spec.rooms | int | toString))
    (list "READYUP_VERSION" $spec.version) (list "READYUP_SESSIONS_URL" $sessions)
    (list "READYUP_DRAIN_S" ($spec.grace_s | int | toString)) (list "READYUP_CPUS" ($spec.cpus | int | toString)) }}
{{- if index $pair 1 }}
{{- $told = append $told (dict "name" (index $pair 0) "value" (index $pair 1)) }}
{{- end }}
{{- end }}
{{- $address := dict "fieldRef" (dict "fieldPath" "status.hostIP") }}
{{- append $told (dict "name" "READYUP_ADDRESS" "valueFrom" $address) | toJson }}
{{- end }}

{{- define "readyup.fleet.container" -}}
{{- $spec := .spec }}
{{- $pod := $spec.pod }}
{{- $amounts := dict "cpu" ($spec.cpus | int | toString) "memory" $pod.memory }}
{{- $mounts := list }}
{{- range $size := keys $pod.hugepages | sortAlpha }}
{{- $_ := set $amounts (printf "hugepages-%s" $size) (get $pod.hugepages $size) }}
{{- $mounts = append $mounts (dict "name" (printf "hugepages-%s" (lower $size)) "mountPath" (printf "/hugepages-%s" $size)) }}
{{- end }}
{{- $capabilities := dict "drop" (list "ALL") }}
{{- if $pod.realtime }}
{{- $_ := set $capabilities "add" (list "SYS_NICE") }}
{{- end }}
{{- $security := dict "allowPrivilegeEscalation" false "capabilities" $capabilities }}
{{- if $pod.non_root }}
{{- $_ := set $security "runAsNonRoot" true }}
{{- end }}
{{- $container := dict "name" "game" "image" $pod.image "imagePullPolicy" $pod.pull
    "env" (include "readyup.fleet.environment" . | fromJsonArray)
    "resources" (dict "requests" $amounts "limits" $amounts) "securityContext" $security }}
{{- range $key, $value := dict "command" $spec.command "args" $pod.args "volumeMounts" $mounts }}
{{- if $value }}
{{- $_ := set $container $key $value }}
{{- end }}
{{- end }}
{{- include "readyup.merged" (dict "base" $container "extra" $pod.extra_container) }}
{{- end }}

{{- define "readyup.fleet.template" -}}
{{- $spec := .spec }}
{{- $pod := $spec.pod }}
{{- $labels := dict "readyup/fleet" $spec.name }}
{{- $annotations := dict }}
{{- if not $pod.mesh }}
{{- $labels = merge $labels (dict "sidecar.istio.io/inject" "false" "istio.io/dataplane-mode" "none") }}
{{- $annotations = dict "linkerd.io/inject" "disabled" }}
{{- end }}
{{- $annotations = mergeOverwrite $annotations $pod.annotations }}
{{- $_ := set $annotations "readyup/sidecar" (printf "cpu=%s,memory=%s" $pod.sidecar_cpu $pod.sidecar_memory) }}
{{- $inside := dict
    "dnsConfig" (dict "options" (list (dict "name" "ndots" "value" "1")))
    "terminationGracePeriodSeconds" (add (int $spec.grace_s) 10)
    "enableServiceLinks" false
    "securityContext" (dict "seccompProfile" (dict "type" "RuntimeDefault"))
    "containers" (list (include "readyup.fleet.container" . | fromJson)) }}
{{- if $pod.host_network }}
{{- $_ := set $inside "hostNetwork" true }}
{{- $_ := set $inside "dnsPolicy" "ClusterFirstWithHostNet" }}
{{- end }}
{{- with include "readyup.nodes" $pod | fromJsonArray }}
{{- $terms := dict "nodeSelectorTerms" (list (dict "matchExpressions" .)) }}
{{- $_ := set $inside "affinity" (dict "nodeAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" $terms)) }}
{{- end }}
{{- $secrets := list }}
{{- range $pod.pull_secrets }}
{{- $secrets = append $secrets (dict "name" .) }}
{{- end }}
{{- $volumes := list }}
{{- range $size := keys $pod.hugepages | sortAlpha }}
{{- $medium := dict "medium" (printf "HugePages-%s" $size) }}
{{- $volumes = append $volumes (dict "name" (printf "hugepages-%s" (lower $size)) "emptyDir" $medium) }}
{{- end }}
{{- range $key, $value := dict
    "tolerations" (include "readyup.tolerations" $pod.tolerations | fromJsonArray)
    "priorityClassName" $pod.priority_class "runtimeClassName" $pod.runtime_class
    "imagePullSecrets" $secrets "volumes" $volumes }}
{{- if $value }}
{{- $_ := set $inside $key $value }}
{{- end }}
{{- end }}
{{- dict
    "metadata" (dict "labels" (mergeOverwrite $labels $pod.labels) "annotations" $annotations)
    "spec" (include "readyup.merged" (dict "base" $inside "extra" $pod.extra_pod) | fromJson) | toJson }}
{{- end }}

{{/* A number, or a share of the fleet. */}}
{{- define "readyup.count" -}}
{{- if hasSuffix "%" . }}{{ . | quote }}{{ else }}{{ int . }}{{ end }}
{{- end }}
