#!/usr/bin/env bash
# Writes the address of the repository into the manifest of each package that is published. npm compares this
# address with the provenance of the package. Usage: scripts/name-repository.sh https://github.com/owner/name
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
url=${1:?the address of the repository}
for folder in client packages/*; do
  (cd "$folder" && npm pkg set repository.type=git "repository.url=git+$url.git" "repository.directory=$folder")
done
