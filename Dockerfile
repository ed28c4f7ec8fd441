# The same image runs the API, the workers and the migrations; docker-compose.yml says which.

FROM node:24-slim AS web
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc* ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
COPY schema/schema.graphql /schema/schema.graphql
RUN npm run build

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home poms \
    && mkdir -p /srv/poms/spool /srv/poms/store \
    && mkdir -m 700 /srv/poms/credentials \
    && chown -R poms:poms /srv/poms
WORKDIR /app
COPY requirements/server.lock requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/server.lock
COPY . .
COPY --from=web /web/dist web/dist
# The rooms are run from the source tree: nothing of ours is installed.
ENV PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    POMS_SPOOL=/srv/poms/spool POMS_STORE=/srv/poms/store
USER poms
EXPOSE 8080
VOLUME ["/srv/poms/spool", "/srv/poms/store", "/srv/poms/credentials"]
CMD ["python", "-m", "uvicorn", "app:create", "--factory", "--host", "0.0.0.0", "--port", "8080", \
     "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-max-size", "1000000", \
     "--timeout-graceful-shutdown", "5", "--loop", "uvloop", \
     "--http", "door.bounded:BoundedHttp", "--limit-concurrency", "4000", "--log-level", "warning"]
