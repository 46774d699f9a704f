import { utf8 } from "../../src/base/bytes.ts";
import { CodecError, encodeMasterInfo } from "../../src/mesos/codec.ts";
import { readMasterNode } from "../../src/mesos/leader-node.ts";
import type { MasterInfo } from "../../src/mesos/types.ts";
import type { FuzzTarget } from "./target.ts";

/* What others may put where we read Mesos' messages. */

const master: MasterInfo = {
  id: "bc1b36ed-9ddf-4fe1-a396-3e11a9e7d5d3",
  ip: 16_777_343,
  port: 7301,
  hostname: "m1",
  pid: "master@127.0.0.1:7301",
  version: "1.12.0",
  address: { hostname: "m1", ip: "127.0.0.1", port: 7301 },
};

export const mesosTargets: readonly FuzzTarget[] = [
  {
    name: "mesos/master's node in ZooKeeper",
    samples: [
      encodeMasterInfo(master, "application/json"),
      utf8('{"id":"m","ip":1,"port":5050,"extra":[1,{"a":null}]}'),
    ],
    read: (input) => void readMasterNode("json.info_0000000001", input),
    refusals: [CodecError],
  },
  {
    name: "mesos/master's node in ZooKeeper, in protobuf",
    samples: [encodeMasterInfo(master, "application/x-protobuf")],
    read: (input) => void readMasterNode("info_0000000001", input),
    refusals: [CodecError],
  },
];
