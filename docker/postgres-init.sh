#!/bin/sh
# Runs once, when the volume of the database is new. Makes the role of the service, which is no superuser, and the
# database that it owns.
set -eu

psql -v ON_ERROR_STOP=1 -v password="$(cat "${KINSHIP_PASSWORD_FILE:-/run/secrets/postgres_password}")" \
  --username "$POSTGRES_USER" --dbname postgres <<'SQL'
create role kinship login password :'password';
create database kinship owner kinship encoding 'UTF8' template template0;
SQL
