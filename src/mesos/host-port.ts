/** Where a server listens. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with brackets around an IPv6 address, as it stands in a URL. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** @returns undefined where the text is not `host:port` or `[address]:port` */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%\w+)?)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** Of a Location: `//host:port/master/api/v1/scheduler`, without scheme in Mesos. */
export function hostPortOf(location: string | undefined): HostPort | undefined {
  const authority = /^(?:https?:)?\/\/([^/?#]+)/.exec(location ?? "")?.[1];
  return authority === undefined ? undefined : parseHostPort(authority);
}
