# The proxy and Amazon's ECS MCP server in one image, for deploy/ecs/one-container.json:
#
#	docker build -f deploy/with-server.Dockerfile --build-arg PROXY=IMAGE -t IMAGE-with-server .
ARG PROXY
FROM ${PROXY} AS proxy

FROM docker.io/library/python:3.13-slim-bookworm
ARG SERVER=0.1.37
RUN pip install --no-cache-dir --no-compile awslabs.ecs-mcp-server==${SERVER}
COPY --from=proxy /bin/ecs-mcp-proxy /bin/ecs-mcp-proxy
COPY --from=proxy --chown=65532:65532 /state /state
RUN echo 'ecs-mcp-proxy:x:65532:65532::/state:/' >> /etc/passwd
ENV HOME=/state XDG_STATE_HOME=/state PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
VOLUME ["/state", "/tmp"]
EXPOSE 8080
HEALTHCHECK --start-period=10s CMD ["/bin/ecs-mcp-proxy", "health"]
ENTRYPOINT ["/bin/ecs-mcp-proxy"]
CMD ["serve", "--config", "/etc/ecs-mcp-proxy/ecs-mcp-proxy.yaml"]
