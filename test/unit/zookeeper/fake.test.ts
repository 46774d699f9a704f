import { describe } from "bun:test";
import { zooKeeperContract } from "../../contract/zookeeper/contract.ts";
import { FakeZooKeeper } from "../../support/zookeeper/fake-zookeeper.ts";

describe("the fake ZooKeeper of the tests", () => {
  zooKeeperContract(() => {
    const fake = new FakeZooKeeper();
    return Promise.resolve({ connect: () => fake.connect(), [Symbol.asyncDispose]: () => Promise.resolve() });
  });
});
