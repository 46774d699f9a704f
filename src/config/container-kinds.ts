import { isIP } from "node:net";
import type { DeviceSpec, GpuSpec } from "./container.ts";
import { kind, type Reader } from "./schema-kinds.ts";

/*
 * The kinds of values that Docker's options have. What Docker itself would take silently, and the container would then
 * lack, is refused here; so is what it would refuse only once a container starts, as far as that can be told.
 */

/** A reader of text that knows its form. */
function form<T>(expects: string, pattern: RegExp, read: (match: RegExpExecArray) => T | undefined): Reader<T> {
  return kind({ expects, jsonSchema: { type: "string", pattern: pattern.source } }, (input) => {
    const match = typeof input === "string" ? pattern.exec(input) : null;
    return match === null ? undefined : read(match);
  });
}

const whole = (match: RegExpExecArray): string => match[0];

export function program(): Reader<readonly string[]> {
  const jsonSchema = {
    anyOf: [
      { type: "string", pattern: String.raw`^\S+$` },
      { type: "array", items: { type: "string" } },
    ],
  };
  const expects = "a program (text without blanks), or an array of texts (the program and its first arguments)";
  return kind<readonly string[]>({ expects, jsonSchema }, (input) => {
    if (typeof input === "string") return /^[^\s\0]+$/.test(input) ? [input] : undefined;
    return isTexts(input) && input[0] !== "" ? input : undefined;
  });
}

export function texts(): Reader<readonly string[]> {
  const jsonSchema = { type: "array", items: { type: "string" } };
  return kind<readonly string[]>({ expects: "an array of texts", jsonSchema }, (input) =>
    isTexts(input) ? input : undefined,
  );
}

function isTexts(input: unknown): input is readonly string[] {
  return Array.isArray(input) && input.every((part) => typeof part === "string" && !part.includes("\0"));
}

export function user(): Reader<string> {
  const pattern = /^[^\s:\0]+(:[^\s:\0]+)?$/;
  const expects = 'a user or its number, and a group after a colon if need be, such as "1000:1000"';
  return kind(
    { expects, jsonSchema: { type: ["string", "integer"], pattern: pattern.source, minimum: 0 } },
    (input) => {
      if (typeof input === "number") return Number.isSafeInteger(input) && input >= 0 ? String(input) : undefined;
      return typeof input === "string" && pattern.test(input) ? input : undefined;
    },
  );
}

export function network(): Reader<string> {
  const expects = '"none", "host", "bridge", the name of a network, or "container:" and the name of a container';
  return form(expects, /^(container:)?[A-Za-z0-9][A-Za-z0-9_.-]*$/, whole);
}

export function hostname(): Reader<string> {
  const expects = "a host name: 1 to 63 letters, digits, hyphens and dots";
  return form(expects, /^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/, whole);
}

/** Docker takes any text for an address, and writes it into resolv.conf. */
export function address(): Reader<string> {
  return form('an IP address such as "10.0.0.53"', /^[0-9A-Fa-f:.]+$/, ([text]) => (isIP(text) > 0 ? text : undefined));
}

export function extraHost(): Reader<string> {
  const expects = 'a name and its IP address, such as "db:10.0.0.7" ("host-gateway" stands for the agent\'s host)';
  return form(expects, /^([^\s:=]+)[:=](.+)$/, ([, name = "", at = ""]) =>
    at === "host-gateway" || isIP(at) > 0 ? `${name}:${at}` : undefined,
  );
}

export function tmpfs(): Reader<readonly [path: string, options: string]> {
  const expects = 'an absolute path, and mount options after a colon if need be, such as "/tmp:size=64m,mode=1777"';
  return form(expects, /^(\/[^:\0]+)(?::([^:\s\0]+))?$/, ([, path = "", options = ""]) => [path, options] as const);
}

export function device(): Reader<DeviceSpec> {
  const expects =
    'a device, where the container sees it, and what it may do there, such as "/dev/sda", "/dev/sda:/dev/disk" or "/dev/sda:/dev/disk:r"';
  const pattern = /^(\/[^:\0]+)(?::(\/[^:\0]+))?(?::([rwm]{1,3}))?$/;
  return form(expects, pattern, ([, hostPath = "", containerPath = hostPath, permissions = "rwm"]) =>
    new Set(permissions).size === permissions.length ? { hostPath, containerPath, permissions } : undefined,
  );
}

export function gpus(): Reader<GpuSpec> {
  const expects = '"all", how many, or an array of their ids';
  const jsonSchema = {
    anyOf: [
      { type: "string", pattern: String.raw`^(all|[1-9]\d*)$` },
      { type: "integer", minimum: 1 },
      { type: "array", items: { type: "string", minLength: 1 }, minItems: 1 },
    ],
  };
  return kind<GpuSpec>({ expects, jsonSchema }, (input) => {
    if (input === "all") return "all";
    const count = wholeNumber(input);
    if (count !== undefined) return count >= 1 ? count : undefined;
    return isTexts(input) && input.length > 0 && !input.includes("") ? input : undefined;
  });
}

/** Of setrlimit(2); -1 is no limit. */
export function limit(): Reader<number> {
  const jsonSchema = { type: ["integer", "string"], minimum: -1, pattern: String.raw`^(-1|\d+)$` };
  return kind({ expects: "a whole number, or -1 for no limit", jsonSchema }, (input) => {
    const value = wholeNumber(input);
    return value !== undefined && value >= -1 ? value : undefined;
  });
}

/** Also as text, as everywhere in processor files. */
function wholeNumber(input: unknown): number | undefined {
  const value = typeof input === "string" && /^-?\d+$/.test(input) ? Number(input) : input;
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/** setrlimit(2) */
export const ulimitNames: readonly string[] = [
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
];

/** capabilities(7), as of Linux 5.9. */
const capabilityNames: readonly string[] = (
  "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER " +
  "FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE " +
  "NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE " +
  "SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM ALL"
).split(" ");

export function capability(): Reader<string> {
  return form('a capability of Linux such as "NET_ADMIN", or "ALL"', /^\w+$/, ([text]) => {
    const name = text.toUpperCase().replace(/^CAP_/, "");
    return capabilityNames.includes(name) ? name : undefined;
  });
}
