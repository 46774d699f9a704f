import { commands } from "./cli/commands.ts";
import { dispatch } from "./cli/dispatch.ts";
import { processIo } from "./cli/process-io.ts";

// process.argv begins with two words in a compiled binary as well: ["bun", "/$bunfs/root/…", …].
const { io, flush } = processIo();
const exitCode = await dispatch(process.argv.slice(2), io, commands);
await flush();
process.exit(exitCode);
