/**
 * Run as a process of its own by the tests: opens the state folder of its last argument, says so, and holds it until it
 * is killed. With "write" before the folder it also stores the key "held".
 */
import { silentLogger } from "../../../src/base/log.ts";
import { openFolderStore } from "../../../src/state/folder-store.ts";

const folder = process.argv.at(-1) ?? "";
const store = await openFolderStore(folder, { log: silentLogger });
if (process.argv.includes("write")) await store.write("held", Uint8Array.of(7));
process.stdout.write("locked\n");
// Ends with the process that started it, in case that is itself killed.
for await (const _ of process.stdin) continue;
await store.close();
