import { showUtf8, utf8 } from "../../src/base/bytes.ts";
import { parseDuration } from "../../src/base/duration.ts";
import { InputError, UsageError } from "../../src/base/errors.ts";
import { parseSize } from "../../src/base/size.ts";
import { parseUsers } from "../../src/cli/kafka-users.ts";
import { parseCredentials } from "../../src/cli/mesos-credentials.ts";
import { parseAttributes, parseResources } from "../../src/cli/mesos-resources.ts";
import { maskCredentials, parseMasterAddress, parseStateAddress } from "../../src/config/addresses.ts";
import { parseAgentPolicy } from "../../src/config/agent-policy-form.ts";
import { JsonSyntaxError, parseJsonSource } from "../../src/config/json-source.ts";
import { parseProcessors } from "../../src/config/processor-schema.ts";
import { loadSettings } from "../../src/config/settings-schema.ts";
import { credentialsIn } from "../../src/programs/docker/registry-credentials.ts";
import type { FuzzTarget } from "./target.ts";

/* What people write: files, variables and options. Mistakes are told, and nothing else happens. */

const processor = {
  name: "upper",
  input: "in",
  output: "out",
  error: { topic: "errors", value: "input" },
  image: "registry.example:5000/team/app:1.2",
  command: ["tr", "a-z", "A-Z"],
  isolation: "container",
  warm: 2,
  cpus: 0.5,
  mem: "64 MB",
  timeout: "30s",
  concurrency: 4,
  ordering: "key",
  delivery: "exactly-once",
  retry: { attempts: 3, backoff: "1s" },
  env: { A: "b" },
  volumes: [{ host: "/a", container: "/b", mode: "ro" }],
  container: { network: "none", user: "1000:1000", ulimits: { nofile: 1024 }, gpus: "all" },
  constraints: [["rack", "CLUSTER", "r1"]],
};
const policy = { privileged: false, processes: true, volumes: ["/srv"], devices: [], networks: ["none"] };

export const configTargets: readonly FuzzTarget[] = [
  {
    name: "config/processors",
    samples: [
      utf8(JSON.stringify(processor, null, 1)),
      utf8(JSON.stringify([{ name: "a", input: "in", command: "cat" }, processor])),
    ],
    read: (input) => void parseProcessors(showUtf8(input), "a file"),
    refusals: [],
  },
  {
    name: "config/JSON",
    samples: ['{"a":[1,-0.5e3,"\\u00e9\\n",true,null],"b":{"c":{}},"a":2}', "[[[[]]]]", '"\\ud83d\\ude00"'].map(utf8),
    read: readJson,
    refusals: [JsonSyntaxError],
  },
  {
    name: "config/settings",
    samples: [
      "# comment\nMESOS_MASTER = zk://user:password@a:2181,b:2181/mesos\nKAFKA_ADDRESS: localhost:9092\n" +
        "PROCESSOR_DIR = /etc/pro\\\n  cessors\nFAILOVER_TIMEOUT=7 days\nSTATE=zk://a:2181/b\nMESOS_USER=\\u00e9\n",
      "MESOS_PRINCIPAL=p\nMESOS_SECRET=s\nLOG_LEVEL=warn\nTOPICS_CREATE=true\nAPI_ADDRESS=none\n",
    ].map(utf8),
    read(input) {
      loadSettings({
        file: { path: "a file", text: showUtf8(input) },
        env: {},
        readSecret: () => "secret",
        currentUser: "user",
      });
    },
    refusals: [],
  },
  {
    name: "config/policy of an agent",
    samples: [utf8(JSON.stringify(policy))],
    read: (input) => void parseAgentPolicy(showUtf8(input), "a file"),
    refusals: [InputError],
  },
  {
    name: "config/users of the embedded Kafka",
    samples: [utf8('{"users":[{"username":"alice","password":"secret"},{"username":"bob","password":"other"}]}')],
    read: (input) => void parseUsers(showUtf8(input), "a file"),
    refusals: [InputError],
  },
  {
    name: "config/credentials of the embedded Mesos",
    samples: [utf8('{"credentials":[{"principal":"p","secret":"s"},{"principal":"q","secret":"s"}]}')],
    read: (input) => void parseCredentials(showUtf8(input), "a file"),
    refusals: [InputError],
  },
  {
    name: "config/Docker's config.json",
    samples: [
      utf8('{"auths":{"r:5000":{"auth":"YTpi","identitytoken":"t"}},"credsStore":"pass","credHelpers":{"r":"ecr"}}'),
    ],
    read: (input) => void credentialsIn(showUtf8(input), "a file", "r:5000"),
    refusals: [InputError],
  },
  {
    name: "config/resources and attributes",
    samples: ["cpus:4;mem:2048;ports:[31000-32000,33000-33100]", "disk : 1.5"].map(utf8),
    read(input) {
      parseAttributes(showUtf8(input));
      parseResources(showUtf8(input));
    },
    refusals: [UsageError],
  },
  {
    name: "config/addresses, durations and sizes",
    samples: ["zk://user:p@ss@a:2181,[::1]:2181/mesos/x", "10.0.0.1:5050,b:5050", "1h 30min", "1.5 GiB"].map(utf8),
    read(input) {
      const text = showUtf8(input);
      parseMasterAddress(text);
      parseStateAddress(text);
      maskCredentials(text);
      parseDuration(text);
      parseSize(text);
    },
    refusals: [],
  },
];

/** What both take has to be the same. */
function readJson(input: Uint8Array): void {
  const text = showUtf8(input);
  const { value } = parseJsonSource(text);
  if (!Bun.deepEquals(value, JSON.parse(text))) throw new Error("JSON.parse reads something else");
}
