import { UsageError } from "../base/errors.ts";
import { parseHostPort, parseHostPorts } from "../config/addresses.ts";
import type { HostPort } from "../config/settings.ts";

/* What options of several commands are read by. Each throws UsageError and names the option. */

export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${option} is ${text}, must be a whole number from ${least} to ${most}`);
}

export function positiveNumber(option: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`${option} is ${text}, must be a number above 0`);
}

/** @param anyPort whether port 0 may stand for a free one */
export function hostPort(option: string, text: string, { anyPort = false } = {}): HostPort {
  const address = parseHostPort(text, { anyPort });
  if (address !== undefined) return address;
  throw new UsageError(`${option} is ${text}, must be host:port${anyPort ? " (port 0 takes a free one)" : ""}`);
}

/** Several, with commas between. */
export function hostPorts(option: string, text: string): readonly HostPort[] {
  const addresses = parseHostPorts(text);
  if (addresses !== undefined) return addresses;
  throw new UsageError(`${option} is ${text}, must be host:port[,host:port]`);
}
