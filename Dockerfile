# One image for every command of Rillet: `docker run rillet --help`.
ARG PYTHON=3.13
FROM python:${PYTHON}-slim-bookworm AS build
WORKDIR /src
RUN python -m venv --without-pip /opt/rillet
# The dependencies first: they change less often than the code, so their layer is kept.
COPY pyproject.toml ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > requirements.txt \
 && pip --python /opt/rillet/bin/python install --no-cache-dir --only-binary :all: -r requirements.txt
COPY web/package.json web/package-lock.json web/fetch-vendor.sh web/
RUN PYTHON=python sh web/fetch-vendor.sh
# The page's chart library, pinned in web/package-lock.json; `make image` brings it along.
COPY web web
# Without it the page shows tables; CHARTS=required refuses to build that.
ARG CHARTS=wanted
RUN test -e web/vendor/uPlot.iife.min.js || sh web/fetch-vendor.sh \
 && test -e web/vendor/uPlot.iife.min.js || [ "$CHARTS" != required ]
COPY README.md LICENSE ./
COPY lua lua
COPY rillet rillet
COPY simulator simulator
COPY processor processor
COPY api api
COPY bench bench
COPY verify verify
COPY chaos chaos
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
 && pip --python /opt/rillet/bin/python install --no-cache-dir --no-deps /wheels/*.whl

FROM python:${PYTHON}-slim-bookworm
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="rillet" \
      org.opencontainers.image.description="Live, exact statistics from a Redis Stream, without Kafka" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/rillet/rillet" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/rillet /opt/rillet
ENV PATH=/opt/rillet/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RILLET_HOST=0.0.0.0 \
    RILLET_PORT=8000
# A number, so that Kubernetes can see it is not root (runAsNonRoot).
USER 10001:10001
EXPOSE 8000
# For the default command; compose.yaml has another for the others. --port goes before RILLET_PORT, as in `serve`.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, re, urllib.request as u; said = re.search(r'\\x00--port[=\\x00](\\d+)', open('/proc/1/cmdline').read()); port = said[1] if said else os.environ['RILLET_PORT']; u.urlopen(f'http://127.0.0.1:{port}/healthz', timeout=2)"]
ENTRYPOINT ["rillet"]
CMD ["serve"]
