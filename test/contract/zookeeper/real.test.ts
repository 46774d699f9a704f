import { describe } from "bun:test";
import { startRealZooKeeper, withZooKeeper } from "../../support/zookeeper/real-zookeeper.ts";
import { zooKeeperBoundsContract, zooKeeperContract } from "./contract.ts";

withZooKeeper("a real ZooKeeper", () => {
  zooKeeperContract(startRealZooKeeper);
  describe("with its bounds", () => zooKeeperBoundsContract(startRealZooKeeper));
});
