FROM node:24-bookworm-slim AS base
WORKDIR /app
ENV NPM_CONFIG_UPDATE_NOTIFIER=false
COPY package.json package-lock.json ./

# At run time, compose.dev.yml mounts the sources over their copies in this image.
FROM base AS dev
RUN npm ci --ignore-scripts
COPY . .
# The console, and the program of the image for production.
RUN npm run build
# For commands such as `docker compose run --rm app kinship secrets`, or `… app secrets` for short.
RUN set -e; \
    printf '#!/bin/sh\nexec node --import tsx /app/src/main.ts "$@"\n' > /usr/local/bin/kinship; \
    for name in audit demo doctor keys migrate purge secrets sessions users; do \
      printf '#!/bin/sh\nexec kinship %s "$@"\n' "$name" > "/usr/local/bin/$name"; \
    done; \
    cd /usr/local/bin; chmod 755 kinship audit demo doctor keys migrate purge secrets sessions users
EXPOSE 3000
CMD ["npm", "run", "dev"]

# --ignore-scripts: our own build script needs development tools, and no dependency needs its install script.
FROM base AS production-modules
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

# argon2 for x86-64-v3 hashes twice as fast as the binary of the package. The service chooses the binary that fits the
# processor.
FROM production-modules AS native
RUN set -e; mkdir -p /app/native; [ "$(uname -m)" = x86_64 ] || exit 0; \
    apt-get update; apt-get install --yes --no-install-recommends g++ make python3; \
    cd node_modules/argon2; \
    export CFLAGS='-O3 -march=x86-64-v3' CXXFLAGS='-O3 -march=x86-64-v3'; \
    node /usr/local/lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js rebuild --nodedir=/usr/local; \
    mkdir -p /app/native/argon2-x86-64-v3/build/Release; \
    cp build/Release/argon2.node /app/native/argon2-x86-64-v3/build/Release/

FROM node:24-bookworm-slim AS prod
ENV NODE_ENV=production
WORKDIR /app
COPY --from=production-modules /app/node_modules ./node_modules
COPY --from=native /app/native ./native
COPY --from=dev /app/dist ./dist
COPY migrations ./migrations
COPY package.json ./
# For commands such as `docker compose run --rm app kinship secrets`, or `… app secrets` for short. `setup` is a service
# of compose.prod.yml.
RUN set -e; \
    printf '#!/bin/sh\nexec node /app/dist/main.js "$@"\n' > /usr/local/bin/kinship; \
    for name in audit demo doctor keys migrate purge secrets sessions setup users; do \
      printf '#!/bin/sh\nexec kinship %s "$@"\n' "$name" > "/usr/local/bin/$name"; \
    done; \
    cd /usr/local/bin; chmod 755 kinship audit demo doctor keys migrate purge secrets sessions setup users
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3000/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node runs without a shell, so that it gets SIGTERM. In the compose files its parent is an init process. A small
# semi-space saves 24 MB: objects of a request are short-lived, so a larger one gains nothing. A heap that at most
# doubles between two collections, instead of growing fourfold, saves up to 60 MB after refreshes and 80 MB in mixed
# traffic.
CMD ["node", "--max-semi-space-size=4", "--heap-growing-percent=100", "dist/main.js"]
