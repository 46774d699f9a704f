import { createApi } from "../../../src/api/api.ts";
import { serveApi } from "../../../src/api/serve.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { CliCommand } from "../../../src/cli/command.ts";
import { rejection } from "../../support/rejection.ts";
import type { FakeScheduler } from "../api/fakes.ts";
import { type FakeIo, fakeIo } from "./fake-io.ts";

/** Runs a command against the API of that scheduler; `error` is what it threw. */
export async function against(
  scheduler: FakeScheduler,
  command: CliCommand,
  ...args: string[]
): Promise<FakeIo & { readonly error: unknown }> {
  const served = serveApi(createApi({ scheduler, log: silentLogger }), { host: "127.0.0.1", port: 0 });
  const io = fakeIo({ env: { BRIGADE_API: `http://127.0.0.1:${served.address.port}` } });
  try {
    const error = await rejection(command.run(args, io));
    return Object.assign(io, { error });
  } finally {
    await served.close();
  }
}
