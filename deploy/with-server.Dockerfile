# The proxy and Amazon's ECS MCP server in one image, for deploy/ecs/one-container.json:
#
#	docker build -f deploy/with-server.Dockerfile --build-arg PROXY=IMAGE -t IMAGE-with-server .
ARG PROXY
ARG PYTHON=docker.io/library/python:3.13-slim-bookworm
FROM ${PROXY} AS proxy

FROM ${PYTHON}
ARG SERVER=0.1.37
RUN python3 -m venv /opt/server && /opt/server/bin/pip install --no-cache-dir --disable-pip-version-check awslabs.ecs-mcp-server==${SERVER}
COPY --from=proxy /bin/ecs-mcp-proxy /bin/ecs-mcp-proxy
COPY --from=proxy --chown=65532:65532 /state /state
RUN echo 'ecs-mcp-proxy:x:65532:65532::/state:/' >> /etc/passwd
ENV PATH=/opt/server/bin:/usr/local/bin:/usr/bin:/bin HOME=/state XDG_STATE_HOME=/state PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
VOLUME ["/state", "/tmp"]
EXPOSE 8080
HEALTHCHECK --start-period=10s CMD ["/bin/ecs-mcp-proxy", "health"]
ENTRYPOINT ["/bin/ecs-mcp-proxy"]
CMD ["serve", "--config", "/etc/ecs-mcp-proxy/ecs-mcp-proxy.yaml"]
