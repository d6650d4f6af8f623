# Amazon's ECS MCP server, for a container of its own:
#
#	docker build -f deploy/server.Dockerfile --target server -t IMAGE deploy
#
# or with the proxy in front of it in one container:
#
#	docker build -f deploy/server.Dockerfile --target with-proxy --build-arg PROXY=PROXY-IMAGE -t IMAGE deploy
ARG PYTHON=docker.io/library/python:3.13-slim-bookworm
ARG PROXY=scratch

FROM ${PYTHON} AS server
ARG SERVER=0.1.37
RUN python3 -m venv /opt/server && /opt/server/bin/pip install --no-cache-dir --disable-pip-version-check awslabs.ecs-mcp-server==${SERVER}
# Another user than the proxy's, in the group that reads the token.
RUN echo 'ecs-mcp-server:x:65533:65532::/tmp:/' >> /etc/passwd
ENV PATH=/opt/server/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONDONTWRITEBYTECODE=1
USER 65533:65532
ENTRYPOINT ["ecs-mcp-server"]

FROM ${PROXY} AS proxy

FROM server AS with-proxy
USER 0:0
COPY --from=proxy /bin/ecs-mcp-proxy /bin/ecs-mcp-proxy
COPY --from=proxy --chown=65532:65532 /state /state
RUN echo 'ecs-mcp-proxy:x:65532:65532::/state:/' >> /etc/passwd
ENV HOME=/state XDG_STATE_HOME=/state
USER 65532:65532
VOLUME ["/state", "/tmp"]
EXPOSE 8080
HEALTHCHECK --start-period=10s CMD ["/bin/ecs-mcp-proxy", "health"]
ENTRYPOINT ["/bin/ecs-mcp-proxy"]
CMD ["serve", "--config", "/etc/ecs-mcp-proxy/ecs-mcp-proxy.yaml"]
