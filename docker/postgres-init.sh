#!/bin/sh
# Runs once, when the volume of the database is new. Creates the role of the service, which is no superuser, and a
# database that this role owns.
set -eu

psql -v ON_ERROR_STOP=1 -v role="${KINSHIP_ROLE:-kinship}" -v database="${KINSHIP_DATABASE:-kinship}" \
  -v password="$(cat "${KINSHIP_PASSWORD_FILE:-/run/secrets/postgres_password}")" \
  --username "$POSTGRES_USER" --dbname postgres <<'SQL'
create role :"role" login password :'password';
create database :"database" owner :"role" encoding 'UTF8' template template0;
SQL
