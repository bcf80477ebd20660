{{/* Every role that runs, by name, and whoever tells events. As JSON, for fromJson. */}}
{{- define "readyup.roles" -}}
{{- $running := dict }}
{{- range $role, $one := .Values.roles }}
{{- if gt (int $one.replicas) 0 }}
{{- $_ := set $running $role $one }}
{{- end }}
{{- end }}
{{- if .Values.events.enabled }}
{{- $_ := set $running "events" (merge (dict "replicas" 1) .Values.events) }}
{{- end }}
{{- toJson $running }}
{{- end }}

{{/* The Deployment of one role: `root` is the chart's context, `role` its name, `one` its values. */}}

{{- define "readyup.role" -}}
{{- $root := .root }}
{{- $role := .role }}
{{- $one := .one }}
{{- $events := eq $role "events" }}
{{- $name := printf "%s-%s" (include "readyup.fullname" $root) $role }}
{{- $ports := $root.Values.ports }}
{{- $door := get (dict "api" "api" "allocator" "sessions" "console" "console") $role }}
{{- $webhooks := and (eq $role "fleets") $root.Values.webhooks.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "readyup.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $role }}
spec:
  {{- if eq (dig "autoscaling" "by" "none" $one) "none" }}
  replicas: {{ $one.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  {{- if $events }}
  # Two of one name would tell everything twice.
  strategy: { type: Recreate }
  {{- else }}
  strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  {{- end }}
  selector:
    matchLabels:
      {{- include "readyup.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ $role }}
  template:
    metadata:
      labels:
        {{- include "readyup.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ $role }}
        {{- with $one.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        # A change of the settings is a new version of the pods.
        checksum/settings: {{ include "readyup.settings" $root | sha256sum }}
        {{- with $one.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: {{ eq $role "fleets" }}
      enableServiceLinks: false
      # The pause before SIGTERM, the two seconds that answers and sockets get, and time to spare.
      terminationGracePeriodSeconds: {{ $one.terminationGracePeriodSeconds | default 30 }}
      priorityClassName: {{ $root.Values.priorityClass.name | quote }}
      securityContext:
        {{- include "readyup.stranger" 65532 | nindent 8 }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- range . }}
        - name: {{ . }}
        {{- end }}
      {{- end }}
      {{- with $one.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $one.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $one.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          matchLabelKeys: [pod-template-hash]
          labelSelector:
            matchLabels:
              {{- include "readyup.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ $role }}
        {{- end }}
      # Names of the cluster are written whole: one question for each instead of five.
      dnsConfig: { options: [{ name: ndots, value: "1" }] }
      containers:
        - name: {{ $role }}
          image: {{ include "readyup.image" (dict "image" $root.Values.image "default" $root.Chart.AppVersion) }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          command: [readyup]
          {{- if $events }}
          args: [events, --to, {{ $one.to | quote }}, --name, {{ $one.name }}, --since, {{ $one.since }}, --config, /etc/readyup/readyup.toml, --log-json]
          {{- else }}
          args: [serve, --role, {{ $role }}, --config, /etc/readyup/readyup.toml, --name, $(POD_NAME), --log-json]
          {{- end }}
          env:
            - name: POD_NAME
              valueFrom: { fieldRef: { fieldPath: metadata.name } }
            {{- with include "readyup.store.env" $root | trim }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- with get (dict "api" "READYUP_JOIN_KEY" "allocator" "READYUP_JOIN_KEY_PUBLIC") $role }}
            - name: {{ . }}
              valueFrom: { secretKeyRef: { name: {{ include "readyup.join.secret" $root }}, key: {{ . }} } }
            {{- end }}
            {{- if and $events $one.kafka.existingSecret }}
            - name: READYUP_KAFKA_PASSWORD
              valueFrom: { secretKeyRef: { name: {{ $one.kafka.existingSecret }}, key: password, optional: true } }
            {{- end }}
            {{- with $one.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - { name: admin, containerPort: {{ $ports.admin }} }
            {{- if $door }}
            - { name: {{ $door }}, containerPort: {{ index $ports $door }} }
            {{- end }}
            {{- if $webhooks }}
            - { name: webhooks, containerPort: {{ $ports.webhooks }} }
            {{- end }}
          # The store may come later than we do: a role without one ends, and begins again.
          startupProbe: { httpGet: { path: /livez, port: admin }, periodSeconds: 1, failureThreshold: 60 }
          livenessProbe: { httpGet: { path: /livez, port: admin }, periodSeconds: 10, timeoutSeconds: 3 }
          readinessProbe: { httpGet: { path: /readyz, port: admin }, periodSeconds: 2, timeoutSeconds: 2 }
          lifecycle:
            # Until every node knows that this pod takes nothing new.
            preStop: { sleep: { seconds: 5 } }
          resources:
            {{- toYaml $one.resources | nindent 12 }}
          securityContext:
            {{- include "readyup.confined" $root | nindent 12 }}
          volumeMounts:
            - { name: settings, mountPath: /etc/readyup/readyup.toml, subPath: readyup.toml, readOnly: true }
            {{- if $webhooks }}
            - { name: webhooks, mountPath: /etc/readyup/webhooks, readOnly: true }
            {{- end }}
            {{- if and $events $one.kafka.existingSecret }}
            - { name: kafka, mountPath: /etc/readyup/kafka, readOnly: true }
            {{- end }}
            - { name: tmp, mountPath: /tmp }
            {{- with $one.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: settings
          configMap: { name: {{ include "readyup.fullname" $root }} }
        {{- if $webhooks }}
        - name: webhooks
          secret: { secretName: {{ include "readyup.webhooks.secret" $root }} }
        {{- end }}
        {{- if and $events $one.kafka.existingSecret }}
        - name: kafka
          secret: { secretName: {{ $one.kafka.existingSecret }} }
        {{- end }}
        - name: tmp
          emptyDir: { sizeLimit: 64Mi }
        {{- with $one.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}
