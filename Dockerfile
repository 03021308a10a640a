# waxseal from source on the official Node image. Build: docker build -t waxseal .
# Run:   docker run -d -p 53:53/udp -p 53:53/tcp -p 127.0.0.1:8053:8053 \
#          -v waxseal-data:/data -v waxseal-keys:/keys -v waxseal-backups:/backups waxseal
# The same image tomorrow: --build-arg NODE_IMAGE=node:26-slim@sha256:… (docker buildx imagetools inspect node:26-slim shows the digest).
ARG NODE_IMAGE=node:26-slim
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Not `npm ci`: the lock file may name builds for platforms that a registry lacks. The pinned Node of devDependencies is this image's own.
RUN npm install --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
ARG NODE_IMAGE
# Of what this was built: --build-arg VERSION=… REVISION=$(git rev-parse HEAD) CREATED=$(date -u +%FT%TZ)
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="waxseal" \
      org.opencontainers.image.description="Authoritative DNS server that keeps a domain's mail trust in order" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${NODE_IMAGE}"
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE README.md ./
COPY src ./src
COPY scripts/healthcheck.mjs ./scripts/
# What was copied from a checkout that its owner alone may read is read by another user here.
RUN chmod -R a+rX package.json LICENSE README.md src scripts
# The store, and apart from it the key-encryption key, so that a copy of the one is useless without the other; and backups. Nothing else is written.
RUN mkdir -p /data /keys /backups && chown 65532:65532 /data /keys /backups && chmod 0700 /data /keys /backups
USER 65532:65532
ENV NODE_ENV=production WAXSEAL_DATA=/data WAXSEAL_KEYS__KEK_FILE=/keys/kek
VOLUME ["/data", "/keys", "/backups"]
EXPOSE 53/udp 53/tcp 8053/tcp 8443/tcp
# A signed SOA record over UDP, its signature valid now: the whole path from socket to store.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 CMD ["node", "scripts/healthcheck.mjs"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--disable-sigusr1", "src/main.ts"]
CMD ["serve", "--data", "/data", "--dns", "0.0.0.0:53", "--dns", "[::]:53", "--admin", "0.0.0.0:8053", "--https", "0.0.0.0:8443"]
