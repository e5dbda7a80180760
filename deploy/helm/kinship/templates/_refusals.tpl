{{/* Refuses values that fit the schema, but not each other or the release. */}}
{{- define "kinship.refuseUnusable" -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]{0,51}[a-z0-9])?$" .Release.Name) -}}
{{- fail (printf "The name of the release (%s) must begin with a letter, and consist of at most 53 lower-case letters, digits and hyphens: it becomes the name of a Service." .Release.Name) -}}
{{- end -}}
{{- include "kinship.refuseImage" .Values.image -}}
{{- include "kinship.refuseSecrets" .Values -}}
{{- include "kinship.refuseConsole" .Values -}}
{{- include "kinship.refuseVolumes" .Values -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "Set ingress.host, or set ingress.enabled to false." -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail "autoscaling.minReplicas must not be greater than autoscaling.maxReplicas." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "kinship.refuseImage" -}}
{{- if or (contains "@" .repository) (contains ":" (base .repository)) -}}
{{- fail "image.repository must have no tag and no digest: set image.tag or image.digest." -}}
{{- end -}}
{{- if regexMatch "\\s|^/|/$|//" .repository -}}
{{- fail "image.repository must be the name of an image, such as registry.example.com/kinship." -}}
{{- end -}}
{{- end -}}

{{- define "kinship.refuseSecrets" -}}
{{- if not .secrets.existingSecret -}}
{{- fail "Set secrets.existingSecret to the name of a Secret." -}}
{{- end -}}
{{- if not (or .secrets.files.DATABASE_URL .config.POSTGRES_HOST) -}}
{{- fail "Set secrets.files.DATABASE_URL or config.POSTGRES_HOST: the embedded database is for one machine." -}}
{{- end -}}
{{- if and .secrets.files.DATABASE_URL .config.POSTGRES_HOST -}}
{{- fail "Set secrets.files.DATABASE_URL to null, or remove config.POSTGRES_HOST: the service would ignore POSTGRES_HOST." -}}
{{- end -}}
{{- end -}}

{{- define "kinship.refuseConsole" -}}
{{- with .config.CONSOLE_PORT -}}
{{- if ne ($.config.CONSOLE | default "off") "on" -}}
{{- fail "Set config.CONSOLE to \"on\", or remove config.CONSOLE_PORT." -}}
{{- end -}}
{{- if or (lt (int .) 1024) (gt (int .) 65535) (eq (int .) 3000) (eq (int .) (int $.metrics.port)) -}}
{{- fail "config.CONSOLE_PORT must be a port from 1024 to 65535 other than 3000 and metrics.port." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "kinship.refuseVolumes" -}}
{{- $volumes := list "tmp" "secrets" -}}
{{- range .extraVolumes -}}
{{- if has .name $volumes -}}
{{- fail (printf "extraVolumes has the name %s twice, or the chart uses it: choose another name." .name) -}}
{{- end -}}
{{- $volumes = append $volumes .name -}}
{{- end -}}
{{- $paths := list "/tmp" "/run/secrets/kinship" -}}
{{- range .extraVolumeMounts -}}
{{- if not (has .name $volumes) -}}
{{- fail (printf "extraVolumeMounts names the volume %s, which extraVolumes does not have." .name) -}}
{{- end -}}
{{- if has .mountPath $paths -}}
{{- fail (printf "extraVolumeMounts has the path %s twice, or the chart uses it: choose another path." .mountPath) -}}
{{- end -}}
{{- $paths = append $paths .mountPath -}}
{{- end -}}
{{- end -}}
