import { describe, expect, test } from "bun:test";
import { formatHostPort, type HostPort, parseHostPort } from "../../../src/mesos/host-port.ts";
import { HostListLocator } from "../../../src/mesos/master-locator.ts";

const [a, b, c]: readonly [HostPort, HostPort, HostPort] = [
  { host: "a", port: 5050 },
  { host: "b", port: 5050 },
  { host: "c", port: 5050 },
];

describe("a list of masters", () => {
  test("is tried in turn, round and round", async () => {
    const locator = new HostListLocator([a, b]);
    const tried: HostPort[] = [];
    for (let i = 0; i < 3; i++) {
      const master = await locator.current();
      tried.push(master);
      locator.failed(master);
    }
    expect(tried).toEqual([a, b, a]);
  });

  test("stays at a master that serves", async () => {
    const locator = new HostListLocator([a, b]);
    expect([await locator.current(), await locator.current()]).toEqual([a, a]);
  });

  test("gives way to a redirect until that fails, then passes over who gave it", async () => {
    const locator = new HostListLocator([a, b]);
    locator.redirected(c);
    expect(await locator.current()).toEqual(c);
    locator.failed(c);
    expect(await locator.current()).toEqual(b);
  });

  test("goes on behind a redirect to one of its own", async () => {
    const locator = new HostListLocator([a, b, c]);
    locator.redirected(b);
    locator.failed(b);
    expect(await locator.current()).toEqual(c);
  });

  test("is moved once by several that failed at the same master", async () => {
    const locator = new HostListLocator([a, b, c]);
    locator.failed(a);
    locator.failed(a);
    expect(await locator.current()).toEqual(b);
  });

  test("must not be empty", () => {
    expect(() => new HostListLocator([])).toThrow("the list of hosts is empty");
  });
});

describe("host and port", () => {
  test.each(["m1:5050", "10.0.0.1:80", "[::1]:5050", "[fe80::1%eth0]:65535"])("%s is read and written", (text) => {
    expect(formatHostPort(parseHostPort(text)!)).toBe(text);
  });

  test.each(["m1", "m1:", ":5050", "m1:0", "m1:65536", "::1:5050", "user@m1:5050", "m1:5050/x", "m 1:5050", "[m1]:1"])(
    "%s is neither",
    (text) => {
      expect(parseHostPort(text)).toBeUndefined();
    },
  );
});
