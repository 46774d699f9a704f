/** Where the Docker CLI looks for the Engine when DOCKER_HOST says nothing. */
export const DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock";

/** The socket's path in a DOCKER_HOST of the form `unix:///path`; undefined for one of another form. */
export function unixSocketOf(dockerHost: string): string | undefined {
  return /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
}
