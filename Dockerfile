# The gateway as a container image for amd64 and arm64. Any builder will do.
#   docker build -t gemini-balance-gateway .
# Packages come as wheels, at the versions and hashes of requirements.lock: nothing is compiled here. To move to
# another Python, change both FROM lines; to renew the packages, `make lock`.

FROM python:3.11.15-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock ./
# --no-deps: the lock names everything, and `check` says so if it does not.
RUN python -m venv --without-pip /opt/gateway \
    && python -m pip --python /opt/gateway/bin/python --no-cache-dir --disable-pip-version-check install \
        --require-hashes --only-binary :all: --no-deps --no-compile -r requirements.lock \
    && python -m pip --python /opt/gateway/bin/python check
# Babel brings the words of 700 regions, 32 MB; the admin speaks the languages below.
RUN find /opt/gateway/lib -path '*/babel/locale-data/*.dat' \
        ! -name root.dat ! -name 'en*.dat' ! -name 'zh*.dat' -delete
COPY LICENSE /build/app/
COPY gateway /build/app/gateway
COPY admin /build/app/admin
COPY static /build/app/static
COPY templates /build/app/templates
COPY deploy/container /build/app/deploy/container
# Compiled here: the root file system may be read-only later. Hashes are not checked, the files do not change.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/gateway/lib /build/app \
    && PYTHONPATH=/build/app /opt/gateway/bin/python -c 'from admin.rendering import compile_all; compile_all()'

FROM python:3.11.15-slim-bookworm
# Group 0 may write the data folder: hosts that give a container some user of their own give it that group.
RUN groupadd --gid 1000 gateway \
    && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /app --shell /usr/sbin/nologin gateway \
    && install -d -o 1000 -g 0 -m 0775 /app/data
COPY --from=build /opt/gateway /opt/gateway
COPY --from=build /build/app /app
ENV PATH=/opt/gateway/bin:$PATH \
    HOME=/app \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
VOLUME ["/app/data"]
EXPOSE 8000
# SIGTERM lets running answers end (SHUTDOWN_TIMEOUT_SECONDS). No init beside it: the gateway waits for each of
# its children, as PID 1 too, and what `docker exec` and the health check start is not its child.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "/app/deploy/container/healthy.py"]
# No USER: start.py begins as root for one purpose, to give a data folder that belongs to root (what Docker makes
# of `-v ./data:/app/data`) to the user it then becomes, and the gateway never runs as root. Under
# `--user`, or on hosts that choose one, it starts as that user and changes nothing.
ENTRYPOINT ["python", "-I", "/app/deploy/container/start.py"]
CMD ["serve"]
