import type { StateAddress } from "../config/settings.ts";
import { openFolderStore } from "./folder-store.ts";
import type { StateStore } from "./store.ts";
import { openZooKeeperStore, type ZooKeeperStoreOptions } from "./zookeeper-store.ts";

/**
 * Opens the state of one deployment, wherever it is, and locks it.
 *
 * @throws {StateLockedError} someone else has it open
 * @throws {StateUnavailableError} it cannot be made, locked or written
 */
export function openState(
  address: StateAddress,
  options: Pick<ZooKeeperStoreOptions, "clock" | "random" | "log" | "onLost">,
): Promise<StateStore> {
  if (address.type === "folder") return openFolderStore(address.path, options);
  return openZooKeeperStore(address, options);
}
