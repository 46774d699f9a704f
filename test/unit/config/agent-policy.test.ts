import { expect, test } from "bun:test";
import { openPolicy } from "../../../src/config/agent-policy.ts";
import { parseAgentPolicy } from "../../../src/config/agent-policy-form.ts";

const FILE = "/etc/brigade/agent.json";

test("an empty policy, and none, allow everything but privileged containers", () => {
  expect(parseAgentPolicy("{}", FILE)).toEqual(openPolicy);
  expect(openPolicy).toEqual({
    privileged: false,
    processes: true,
    volumes: null,
    devices: null,
    capabilities: null,
    networks: null,
    secrets: null,
  });
});

test("a policy says what it allows, and an empty list allows nothing", () => {
  const text = `{"$schema": "x", "privileged": true, "processes": false, "volumes": ["/srv/in", "/srv/out"],
    "devices": [], "capabilities": ["cap_net_admin"], "networks": ["none"], "secrets": ["/etc/brigade/secrets"]}`;
  expect(parseAgentPolicy(text, FILE)).toEqual({
    privileged: true,
    processes: false,
    volumes: ["/srv/in", "/srv/out"],
    devices: [],
    capabilities: ["NET_ADMIN"],
    networks: ["none"],
    secrets: ["/etc/brigade/secrets"],
  });
});

test.each([
  [
    '{"volumes": ["srv", 7], "privilege": true}',
    ': volumes[0] is "srv", must be an absolute path; volumes[1] is 7, must be an absolute path; privilege is no known field',
  ],
  ["[]", ": it is [], must be an object"],
  ["{", ": not JSON: "],
  ['{"privileged": false, "privileged": true}', ": $.privileged appears more than once"],
])("a policy with mistakes is none: %s", (text, message) => {
  expect(() => parseAgentPolicy(text, FILE)).toThrow(`Cannot use the agent's policy ${FILE}${message}`);
});
