/** Before every test file: the same properties see the same samples in every run. FC_SEED tries others. */

import { afterAll } from "bun:test";
import fc from "fast-check";
import { theEnd } from "./at-the-end.ts";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FC_SEED ?? 20_260) });

// Here, and only here, it is called after all files.
afterAll(theEnd);
