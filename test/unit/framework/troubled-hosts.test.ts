import { expect, test } from "bun:test";
import { TroubledHosts } from "../../../src/framework/troubled-hosts.ts";

test("the latest trouble is told, and on how many more hosts there is one", () => {
  const hosts = new TroubledHosts("no program can run on");
  expect(hosts.describe(0)).toBeUndefined();
  hosts.failed("a", "no Engine", 0);
  expect(hosts.describe(0)).toBe("no program can run on a: no Engine");
  hosts.failed("b", "it hangs", 1);
  expect(hosts.describe(1)).toBe("no program can run on b, and trouble on 1 more agent: it hangs");
  hosts.failed("c", "no Engine", 2);
  hosts.failed("a", "it hangs too", 3);
  expect(hosts.describe(3)).toBe("no program can run on a, and trouble on 2 more agents: it hangs too");
});

test("a host is forgotten once a program came to its end there, or nothing was heard for long", () => {
  const hosts = new TroubledHosts("no program can run on");
  hosts.failed("a", "no Engine", 0);
  hosts.failed("b", "no Engine", 1000);
  hosts.worked("b");
  hosts.worked("never heard of");
  expect(hosts.describe(1000)).toBe("no program can run on a: no Engine");
  expect(hosts.describe(599_999)).toBeDefined();
  expect(hosts.describe(600_000)).toBeUndefined();
});
