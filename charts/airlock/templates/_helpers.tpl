{{/* Labels of everything that the chart installs. */}}
{{- define "airlock.labels" -}}
app.kubernetes.io/name: airlock
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Labels by which the operator's pods are found. They never change. */}}
{{- define "airlock.selector" -}}
app.kubernetes.io/name: airlock
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The operator's service account, which the admission policies name. */}}
{{- define "airlock.serviceAccount" -}}
airlock-operator
{{- end }}

{{/*
What the schema cannot say about the values and the release. Each failure is a
sentence that says what to do.
*/}}
{{- define "airlock.check" -}}
{{- if not .Values.image.ref -}}
{{- fail "image.ref is required: the operator's image by digest, for example --set image.ref=registry.example/airlock/operator@sha256:<64 hex digits>" -}}
{{- end -}}
{{- if and .Values.defaultPolicy.enabled (not .Values.defaultPolicy.pythonImage) -}}
{{- fail "defaultPolicy.pythonImage is required: the Python sandbox image by digest. Without it, install no policy: --set defaultPolicy.enabled=false" -}}
{{- end -}}
{{- if and .Values.defaultPolicy.enabled (not .Values.defaultPolicy.pythonInventory) -}}
{{- fail "defaultPolicy.pythonInventory is required: the label dev.airlock.inventory of the Python sandbox image. It shows that the gate knows the image's libraries" -}}
{{- end -}}
{{- if eq .Release.Namespace .Values.sandbox.namespace -}}
{{- fail (printf "sandbox.namespace is %q, the release's own namespace: sandboxes need a namespace apart from the operator" .Release.Namespace) -}}
{{- end -}}
{{- end }}
