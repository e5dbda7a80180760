#!/usr/bin/env bash
# Publishes the client and the packages. Each manifest must have the given version. `verify` comes before the packages
# that depend on it. More arguments go to `npm publish`, such as --dry-run. Usage: scripts/publish.sh 1.2.0 [--dry-run]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=${1:?the version}
shift
folders=(client packages/verify packages/fastify packages/express packages/hono)
field() { node -p "require('./$1/package.json').$2"; }

for folder in "${folders[@]}"; do
  if [ "$(field "$folder" version)" != "$version" ]; then
    echo "$folder has version $(field "$folder" version), not $version" >&2
    exit 1
  fi
done
for folder in "${folders[@]}"; do
  name=$(field "$folder" name)
  if [ -n "$(npm view "$name@$version" version 2>/dev/null || true)" ]; then
    echo "$name@$version is published already"
  else
    npm publish "./$folder" "$@"
  fi
done
