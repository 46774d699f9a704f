import { processIo } from "../../../src/cli/process-io.ts";

/* Stands in for a command that prints much at its very end. */

const { io, flush } = processIo();
io.stdout("x".repeat(Number(process.argv[2])));
await flush();
process.exit(0);
