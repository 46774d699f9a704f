import { utf8 } from "../base/bytes.ts";

export interface Credentials {
  readonly principal: string;
  readonly secret: string;
}

/** The header of HTTP basic authentication; none without credentials. */
export function basicAuthorization(credentials: Credentials | undefined): Readonly<Record<string, string>> {
  if (credentials === undefined) return {};
  const pair = Buffer.from(utf8(`${credentials.principal}:${credentials.secret}`)).toString("base64");
  return { Authorization: `Basic ${pair}` };
}
